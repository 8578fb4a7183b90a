// Runs the tests of this folder: those of the harness, and a short torture of a fixed seed.
//   node tests/torture/run.mjs [part of a file name …]
// They need what the end-to-end tests need (../e2e/run.mjs).

import {suite} from '../e2e/support/suite.mjs';

suite(import.meta.url, ['rules', 'short'], 8);
