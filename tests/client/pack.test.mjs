// What npm would publish of each package: these files and no others, all of them there.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {ROOT} from './support/shapes.mjs';

const BESIDE = ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
const PACKAGES = {
  light: ['error.js', 'index.d.ts', 'index.js', 'source.js', 'store.js', 'wasm/peerage_client.d.ts', 'wasm/peerage_client.js', 'wasm/peerage_client_bg.wasm'],
  peer: [
    'data.js', 'error.js', 'events.d.ts', 'index.d.ts', 'index.js', 'node.js',
    'modules/format.js', 'modules/reading.js',
    'modules/peerage-page.js', 'modules/peerage-page_bg.wasm',
    ...['auditor', 'trainer'].flatMap((name) => ['.js', '_bg.wasm', '_loader.js'].map((end) => `modules/peerage-${name}${end}`)),
  ],
};
/** Most bytes of a package as it is published: the trainer alone has 17 MB, 3 compressed. */
const MOST = {light: 1e6, peer: 10e6};

describe('what npm would publish', () => {
  for (const [name, files] of Object.entries(PACKAGES)) {
    const folder = join(ROOT, 'pkg', name);

    test(`pkg/${name} is exactly what is meant`, () => {
      const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']});
      const [{files: listed, size}] = JSON.parse(told);
      assert.deepEqual(listed.map((/** @type {{path: string}} */ file) => file.path).sort(), [...BESIDE, ...files].sort());
      assert.ok(size < MOST[/** @type {'light'} */ (name)], `${size} bytes`);
    });

    test(`what pkg/${name} names is there, and what its scripts import is published`, () => {
      const {main, types, exports: {'.': entry}} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      for (const file of [main, types, entry.types, entry.default]) assert.ok(existsSync(join(folder, file)), file);
      for (const file of files.filter((file) => /\.(js|d\.ts)$/.test(file) && !file.includes('/'))) {
        const text = readFileSync(join(folder, file), 'utf8').replace(/^\/\/.*$/gm, '');
        for (const [, to] of text.matchAll(/(?:from|import\() ?'\.\/([^']+)'/g)) {
          const meant = [to, to.replace(/\.js$/, '.d.ts')];
          assert.ok(meant.some((file) => files.includes(file)), `${file} imports ./${to}`);
        }
      }
    });
  }
});
