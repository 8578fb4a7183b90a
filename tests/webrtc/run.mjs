// Runs the tests of direct connections between browsers, ours with ours and with js-libp2p's, one file after the other:
//   node tests/webrtc/run.mjs [part of a file name …]
// What they need: the probe (`cargo xtask test` builds it), the program and the site (`cargo xtask build`), and Chromium.
//   PEERAGE_PROBE, PEERAGE_BIN, PEERAGE_SITE, CHROME     where those are, if not in the usual places
//   PEERAGE_E2E_PATIENCE=3                               three times as patient, for a slow machine
//   PEERAGE_E2E_CONSOLE=1, PEERAGE_E2E_NODE=1            what browsers and node say, as they say it

import {suite} from '../e2e/support/suite.mjs';

suite(import.meta.url, ['interop', 'requests', 'faults', 'hostile'], 10);
