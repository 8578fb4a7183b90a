// Runs the tests of the npm package `pkg/light`, one file after the other:
//   node tests/client/run.mjs [part of a file name …]
// What they need: the module (`cargo xtask client`), the program, and Chromium.
//   PEERAGE_BIN, CHROME        where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3     three times as patient, for a slow machine

import {suite} from '../e2e/support/suite.mjs';

suite(import.meta.url, ['node', 'browser'], 10);
