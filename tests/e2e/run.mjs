// Runs the end-to-end tests one file after the other, each in a process of its own:
//   node tests/e2e/run.mjs [part of a file name …]
// What they need: the program and the site built (`cargo xtask build`), and Chromium.
//   PEERAGE_BIN, PEERAGE_SITE, CHROME     where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3                three times as patient, for a slow machine
//   PEERAGE_E2E_CONSOLE=1, PEERAGE_E2E_NODE=1   what browsers and node say, as they say it

import {suite} from './support/suite.mjs';

// Quick ones first: what is wrong with the page alone is known before a node starts.
suite(import.meta.url, ['state', 'auditing', 'learning', 'effort', 'page', 'tabs', 'keys', 'neighbours', 'failures', 'accessible', 'offline', 'site', 'lab', 'market', 'hostile-node', 'ledger', 'training', 'mesh', 'skeleton', 'audit', 'faults'], 40);
