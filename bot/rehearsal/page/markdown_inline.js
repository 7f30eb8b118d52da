// Emphasis, code, links and mentions inside one paragraph of Markdown.

import { el } from "/page/dom.js";
import { withEmoji } from "/page/emoji.js";
import { link } from "/page/link.js";
import { token, unescaped } from "/page/tokens.js";

const DEEPEST = 6;

const RULES = [
  { at: /\\([\\`*_{}[\]()#+\-.!~>|<&])/y, make: (_model, found) => found[1] },
  { at: /(`+)(?!`)([\s\S]{1,4000}?)(?<!`)\1(?!`)/y, make: (_model, found) => el("code", {}, codeWords(found[2])) },
  { at: /!\[([^\]\n]{0,500})\]\(\s*<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s+["'][^"'\n]{0,300}["'])?\s*\)/y, make: image },
  { at: /\[((?:[^[\]\n]|\[[^[\]\n]{0,200}\]){1,500})\]\(\s*<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s+["'][^"'\n]{0,300}["'])?\s*\)/y, make: anchor },
  { at: /<((?:[@#!]|https?:\/\/|mailto:)[^<>\n]{1,2000})>/y, make: (model, found) => token(model, found[1]) },
  { at: /https?:\/\/[^\s<>]{1,2000}[^\s<>.,:;"')\]!?*_~]/y, make: bare, word: true },
  { at: /\*\*\*(?=[^\s*])([^*]{1,2000}?)(?<=\S)\*\*\*(?!\*)/y, make: emphasis("strong", "em") },
  { at: /\*\*(?=[^\s*])([\s\S]{1,2000}?)(?<=\S)\*\*(?!\*)/y, make: emphasis("strong") },
  { at: /__(?=[^\s_])([\s\S]{1,2000}?)(?<=\S)__(?![\p{L}\p{N}])/uy, make: emphasis("strong"), word: true },
  { at: /~~(?=[^\s~])([\s\S]{1,2000}?)(?<=\S)~~/y, make: emphasis("s") },
  { at: /\*(?=[^\s*])((?:[^*]|\*\*[^*]{0,1000}\*\*){1,2000}?)(?<=\S)\*(?!\*)/y, make: emphasis("em") },
  { at: /_(?=[^\s_])([^_]{1,2000}?)(?<=\S)_(?![\p{L}\p{N}_])/uy, make: emphasis("em"), word: true },
];

const STARTS = /[\\`!["<h*_~]/;

function codeWords(inside) {
  const oneLine = inside.replace(/\n/g, " ");
  return /^ .*\S.* $/.test(oneLine) ? oneLine.slice(1, -1) : oneLine;
}

function emphasis(...tags) {
  return (model, found, depth) => tags.reduceRight((inner, tag) => el(tag, {}, inner), markdownInline(model, found[1], depth + 1));
}

function anchor(model, [, words, address], depth) {
  return link(unescaped(address), markdownInline(model, words, depth + 1), words);
}

function image(_model, [, words, address]) {
  return link(unescaped(address), [words || address], words || address);
}

function bare(_model, [address]) {
  return link(unescaped(address), [address], address);
}

/** The nodes of one paragraph; line ends stay line ends. */
export function markdownInline(model, text, depth = 0) {
  if (depth > DEEPEST) return [plain(text)];
  const nodes = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const found = STARTS.test(text[at]) ? firstRule(text, at) : null;
    if (!found) {
      at += 1;
      continue;
    }
    nodes.push(plain(text.slice(from, at)), found.rule.make(model, found.match, depth));
    at += found.match[0].length;
    from = at;
  }
  nodes.push(plain(text.slice(from)));
  return nodes;
}

function firstRule(text, at) {
  const insideWord = at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1]);
  for (const rule of RULES) {
    if (rule.word && insideWord) continue;
    rule.at.lastIndex = at;
    const match = rule.at.exec(text);
    if (match) return { rule, match };
  }
  return null;
}

function plain(text) {
  return withEmoji(unescaped(text));
}
