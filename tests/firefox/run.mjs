// Runs the tests in Firefox, one file after the other, each in a process of its own:
//   node tests/firefox/run.mjs [part of a file name …]
// What they need: the program and the site (`cargo xtask build`), the probe of direct connections (`cargo xtask test`), Chromium, and
// Firefox with geckodriver (`cargo xtask setup`).
//   PEERAGE_BIN, PEERAGE_SITE, PEERAGE_PROBE, CHROME, FIREFOX, GECKODRIVER   where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3                                                   three times as patient, for a slow machine
//   PEERAGE_E2E_CONSOLE=1, PEERAGE_E2E_NODE=1                                what browsers and node say, as they say it

import {suite} from '../e2e/support/suite.mjs';

suite(import.meta.url, ['tab', 'refused', 'direct', 'offline', 'lab', 'client'], 10);
