"""Our values -> what Slack is sent: cards, answers, texts. Pure.

Every string that came from a person or a model is made safe here, and `bot.views.gate` checks the
finished message once more before it leaves.
"""
