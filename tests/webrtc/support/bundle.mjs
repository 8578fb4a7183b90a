// Puts the pages together: what the browsers load lies in one folder outside the checkout, beside the Rust probe that
// `cargo xtask` builds there.

import {existsSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const PAGES = fileURLToPath(new URL('../pages/', import.meta.url));
export const KINDS = /** @type {const} */ (['rust', 'js', 'hostile', 'raw']);

/** Where the Rust probe is: $PEERAGE_PROBE, else beside what cargo builds. */
export function folder() {
  const named = process.env.PEERAGE_PROBE ?? join(process.env.CARGO_TARGET_DIR ?? join(homedir(), '.cache/peerage/target'), 'webrtc-probe');
  if (!existsSync(join(named, 'probe.js'))) throw new Error('The probe is not built: run `cargo xtask test` once, or name its folder in $PEERAGE_PROBE.');
  return named;
}

/** Bundles every page into `outdir`, in a tenth of a second. @param {string} outdir */
export async function bundle(outdir) {
  await build({
    entryPoints: KINDS.map((kind) => join(PAGES, `${kind}.mjs`)),
    outdir,
    outExtension: {'.js': '.mjs'},
    bundle: true,
    format: 'esm',
    target: 'chrome120',
    external: ['./probe.js'],
    logLevel: 'error',
  });
}
