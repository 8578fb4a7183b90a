// Runs the tests of the npm packages `pkg/light` and `pkg/peer`, one file after the other:
//   node tests/client/run.mjs [part of a file name …]
// What they need: the program and the packages built (`cargo xtask build`), and Chromium.
//   PEERAGE_BIN, CHROME        where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3     three times as patient, for a slow machine

import {suite} from '../e2e/support/suite.mjs';

suite(import.meta.url, ['types', 'pack', 'node', 'browser', 'peer'], 10);
