"""The doctor: what a team's Onequeue needs, looked at piece by piece, and the fix for what is wrong."""
