// What the package `pkg/peer` says of events, words and methods is what the Rust side sends and takes, name by name and field by field;
// and the scripts of both packages are what their types say. Needs no network and no browser, but the packages built.

import assert from 'node:assert/strict';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import ts from 'typescript';
import {rust} from './support/rust.mjs';
import {members, program, ROOT, shapes, tagged, without} from './support/shapes.mjs';

/** @typedef {import('./support/shapes.mjs').Shape} Shape */

const PORT = 'crates/core/protocol/src/port';
const PAGE = 'crates/app/page/src';
/** What workers and page say among themselves (`on_trainer`, `on_auditor` in crates/app/page/src/session), which no script hears. */
const WITHIN = {
  trainer: ['ask', 'served', 'stopped'],
  auditor: ['loaded', 'identity', 'query', 'served', 'sign', 'judged', 'publish', 'masks', 'bought', 'selling', 'claimed'],
};

describe('the types of the npm packages', () => {
  const peer = shapes(join(ROOT, 'pkg/peer/index.d.ts'));
  const trainer = rust([`${PORT}/auditor.rs`, `${PORT}/trainer.rs`], 'undefined');
  const auditor = rust([`${PORT}/auditor.rs`], 'null');
  const page = rust([`${PAGE}/session/trade.rs`, `${PAGE}/words.rs`], 'null');

  test('every event of the page, the trainer and the auditor is described as it is sent', () => {
    same(page.shape('PageEvent'), peer.shape('PageEvent'), 'PageEvent');
    same(heard(trainer.shape('Event'), WITHIN.trainer), peer.shape('TrainerEvent'), 'TrainerEvent');
    // The page says both in one event.
    same(heard(auditor.shape('Event'), [...WITHIN.auditor, 'alarm']), peer.shape('AuditorEvent'), 'AuditorEvent');
    same(/** @type {Shape} */ (tagged(auditor.shape('Event'), 'alarm')), /** @type {Shape} */ (tagged(peer.shape('PageEvent'), 'alarm')), 'alarm');
    same(/** @type {Shape} */ (tagged(trainer.shape('Event'), 'trouble')), /** @type {Shape} */ (tagged(peer.shape('PageEvent'), 'trouble')), 'trouble');
  });

  test('a message that the page keeps to itself is one that it does not pass on', () => {
    const routes = (/** @type {string} */ file, /** @type {string} */ worker) =>
      [...readFileSync(join(ROOT, PAGE, 'session', file), 'utf8').matchAll(new RegExp(`${worker}::Event::(\\w+)(?: \\{[^}]*\\}|\\([^)]*\\))? => (return|\\{[^{}]*(?:\\{[^{}]*\\}[^{}]*)*return)`, 'g'))].map(([, name]) => name[0].toLowerCase() + name.slice(1));
    assert.deepEqual(routes('routes.rs', 'trainer').sort(), [...WITHIN.trainer].sort());
    assert.deepEqual(routes('audit.rs', 'auditor').sort(), [...WITHIN.auditor].sort());
  });

  test('what a script says is described as it is taken', () => {
    same(auditor.shape('Policy'), peer.shape('Policy'), 'Policy');
    same(auditor.shape('Intent'), peer.shape('Intent'), 'Intent');
    same(trainer.shape('Source'), peer.shape('Source'), 'Source');
    same(trainer.shape('Content'), peer.shape('Content'), 'Content');
    same(page.shape('Question'), peer.shape('Question'), 'Question');
  });

  test('what a tab can do, a peer can', () => {
    const [, tab] = /#\[wasm_bindgen\]\nimpl Tab \{\n([\s\S]*?)\n\}\n/.exec(readFileSync(join(ROOT, PAGE, 'tab.rs'), 'utf8')) ?? [];
    const methods = [...(tab ?? '').matchAll(/(?:js_name = (\w+)\)\]\s+)?pub fn (\w+)\(/g)].map(([, renamed, name]) => renamed ?? name);
    assert.ok(methods.length > 20, `${methods}`);
    const named = methods.filter((name) => name !== 'new').map((name) => (name === 'export' ? 'exportModel' : name));
    const own = ['node', 'ready', 'on'];
    assert.deepEqual(peer.members('Peer').sort(), [...named, ...own].sort());
  });

  test('what a peer is started with, a tab takes', () => {
    const [, options] = /struct Options \{\n([\s\S]*?)\n\}/.exec(readFileSync(join(ROOT, PAGE, 'tab.rs'), 'utf8')) ?? [];
    const taken = [...(options ?? '').matchAll(/pub\(crate\) (\w+):/g)].map(([, name]) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()));
    const [, object] = /new Tab\(\{\n([\s\S]*?)\n {4}\}\)/.exec(readFileSync(join(ROOT, 'pkg/peer/index.js'), 'utf8')) ?? [];
    const given = [...(object ?? '').matchAll(/^ {6}(\w+)[:,]/gm)].map(([, name]) => name);
    assert.deepEqual(given.sort(), [...taken, 'onEvent'].sort());
  });

  test('the scripts are what their types say', (t) => {
    if (!existsSync(join(ROOT, 'pkg/peer/modules')) || !existsSync(join(ROOT, 'pkg/light/wasm'))) return t.skip('the packages are not built');
    const files = ['pkg/peer/index.js', 'pkg/peer/index.d.ts', 'pkg/light/index.js', 'pkg/light/index.d.ts'].map((file) => join(ROOT, file));
    assert.equal(against(program(files)), '');
  });

  test('what the documents show is what the types allow', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peerage-types-'));
    try {
      const files = ['peer', 'light'].map((name) => {
        const [, script] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'pkg', name, 'README.md'), 'utf8')) ?? [];
        assert.ok(script);
        writeFileSync(join(folder, `${name}.ts`), script);
        return join(folder, `${name}.ts`);
      });
      assert.equal(against(program(files, {peerage: [join(ROOT, 'pkg/peer/index.d.ts')], 'peerage-light': [join(ROOT, 'pkg/light/index.d.ts')]})), '');
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});

/** What the compiler has against files, but for what is generated. @param {ts.Program} made */
function against(made) {
  const found = ts.getPreEmitDiagnostics(made).filter(({file}) => file && !/\/(modules|wasm)\//.test(file.fileName));
  // Types of Node.js are not among what is installed.
  const ours = found.filter(({messageText}) => !/module 'node:/.test(String(messageText)));
  return ts.formatDiagnostics(ours, {getCanonicalFileName: (name) => name, getCurrentDirectory: () => ROOT, getNewLine: () => '\n'});
}

/** Without some members. @param {Shape} shape @param {string[]} but @returns {Shape} */
function heard(shape, but) {
  const trouble = but.includes('ask') ? ['trouble'] : [];
  const all = members(shape).filter((one) => ![...but, ...trouble].includes(one.fields?.type.shape.value ?? ''));
  assert.equal(all.length, members(shape).length - but.length - trouble.length, 'each of them is there');
  return {is: 'union', of: all};
}

/** Fails where a type does not say exactly what is sent; it may name the texts that can come. @param {Shape} sent @param {Shape} said @param {string} at */
function same(sent, said, at) {
  const literals = members(said).every(({is}) => is === 'literal');
  if (sent.is === 'string' && literals) return;
  if (sent.is === 'union' && sent.of.some((/** @type {Shape} */ {is}) => is === 'null')) {
    assert.ok(members(said).some(({is}) => is === 'null'), `${at} can be null`);
    return same(without(sent, 'null'), without(said, 'null'), at);
  }
  assert.equal(said.is, sent.is, `${at}: ${JSON.stringify(said)} where ${JSON.stringify(sent)} is sent`);
  if (sent.is === 'array') return same(sent.of, said.of, `${at}[]`);
  if (sent.is === 'tuple') {
    assert.equal(said.of.length, sent.of.length, at);
    return sent.of.forEach((/** @type {Shape} */ one, /** @type {number} */ index) => same(one, said.of[index], `${at}[${index}]`));
  }
  if (sent.is === 'object') {
    assert.deepEqual(Object.keys(said.fields ?? {}).sort(), Object.keys(sent.fields ?? {}).sort(), at);
    for (const [name, {optional, shape}] of Object.entries(sent.fields ?? {})) {
      const described = /** @type {any} */ (said.fields)[name];
      assert.equal(described.optional, optional, `${at}.${name} can be absent: ${optional}`);
      same(shape, described.shape, `${at}.${name}`);
    }
  } else if (sent.is === 'union') {
    const names = (/** @type {Shape} */ shape) => members(shape).map((one) => one.fields?.type?.shape.value ?? one.value ?? one.is).sort();
    assert.deepEqual(names(said), names(sent), at);
    for (const one of sent.of.filter((/** @type {Shape} */ one) => one.is === 'object')) {
      const type = one.fields.type.shape.value;
      same(one, /** @type {Shape} */ (tagged(said, type)), `${at} ${type}`);
    }
  }
}
