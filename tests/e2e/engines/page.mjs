// The table of docs/browsers.md.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

const START = '<!-- engines -->\n';
const END = '<!-- /engines -->';

/** The first two numbers of a version. The others change with every update of a package. */
const short = (version) => version.split('.').slice(0, 2).join('.');

export function writePage(path, stories, report) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const differences = stories.flatMap(({ name, differs = {} }) => report
    .filter((engine) => differs[engine.name])
    .map((engine) => ({ engine, name, ...differs[engine.name] })));
  const lines = [
    row(['story', ...report.map(({ title, version }) => `${title} ${short(version)}`)]),
    row(['---', ...report.map(() => '---')]).replaceAll(' ', ''),
    ...stories.map(({ name, differs = {} }, index) => row([
      name,
      ...report.map((engine) => `\`${engine.results[index].ended}\`${differs[engine.name] ? ' *' : ''}`),
    ])),
    ...differences.flatMap(({ engine, name, because }) => ['', `\\* ${engine.title} in the story "${name}": ${because}.`]),
  ];
  const page = readFileSync(path, 'utf8');
  const [from, to] = [page.indexOf(START), page.indexOf(END)];
  assert.ok(from >= 0 && to > from, `${path} has no place for the table`);
  writeFileSync(path, `${page.slice(0, from)}${START}${lines.join('\n')}\n${page.slice(to)}`);
}
