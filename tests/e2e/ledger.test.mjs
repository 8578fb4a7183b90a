// The panels of the ledger with a played tab: audits and their alarm, gradients, the next row, transactions, keys, sources.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {faults} from './support/accessible.mjs';
import {DAMAGED, DROPPED, notAudited, proposal, RESTORED, sound, transaction, wrong} from './support/audited.js';
import {CHAIN} from './support/site.mjs';
import {playedVisits} from './support/visit.mjs';
import {until} from './support/wait.mjs';

const played = playedVisits();
const {visit} = played;

/** A visit that has joined and run its first minute. @param {string} name @param {import('playwright-core').BrowserContextOptions} [options] */
async function running(name, options) {
  const v = await visit(name, options);
  await v.join();
  await v.minute();
  /** Waits until `selector` reads like this. @param {string} selector @param {RegExp} what */
  const reads = (selector, what) => until(`${name}: ${selector} reads ${what}`, 10, async () => what.test(await v.page.locator(selector).innerText()), () => v.page.locator(selector).innerText());
  /** The cells of a table's rows. @param {string} id */
  const table = (id) => v.page.locator(`#${id} tbody tr`).evaluateAll((all) => all.map((tr) => [...tr.children].map((c) => /** @type {HTMLElement} */ (c).innerText.replace(/\s+/g, ' ').trim())));
  return {...v, reads, table};
}

describe('the audit', () => {
  test('is shown with what it found, how long it took, and those before it', async () => {
    const v = await running('sound');
    await v.emit(sound(412));
    await v.reads('#audit-last', /^Epoch 412 recomputed: 4,096 peers, every figure as the chain says, 112 ms\.$/);
    await v.reads('#audit-why', /4 epochs sound since this tab joined\. 2\.1 MB fetched for the last\./);
    assert.deepEqual((await v.table('audit-table')).slice(0, 2), [['412', 'sound, 3 transactions', '112 ms'], ['119', 'sound, 3 transactions', '98 ms']]);
    await v.page.getByText('What is recomputed').click();
    await v.page.getByText(/Ranks, trust, loss, what is minted/).waitFor();
    assert.equal(await v.page.locator('#alarm').isVisible(), false);
    await v.close();
  });

  test('that could not be made says why, and that nothing is known to be wrong', async () => {
    const v = await running('not audited');
    await v.emit(notAudited(413));
    await v.reads('#audit-last', /^Epoch 413 not recomputed: 20,000 peers are on the ledger/);
    await v.reads('#audit-why', /nothing is known to be wrong/);
    assert.equal(await v.page.locator('#audit-last').getAttribute('data-outcome'), 'notAudited');
    await v.close();
  });

  test('that differs is an alarm with the peer, the figure and both numbers, and signing ends', async () => {
    const v = await running('wrong');
    await v.emit({type: 'alarm', message: 'the validators of this chain signed wrong figures, and nothing more is signed here: peer 2', fatal: false, stale: false});
    await v.emit(wrong(120));
    const alarm = v.page.getByRole('alert', {name: 'The chain’s figures are wrong'});
    await alarm.waitFor({timeout: 10_000});
    const text = await alarm.innerText();
    for (const part of [/end of epoch 120/, /does not follow from what they signed before it/, /peer 2 \(91c4e8f2\)/, /trust, in the table of standings/, /0\.7423118201/, /0\.2423118201/, /This tab signs nothing any more\./]) assert.match(text, part);
    assert.equal(await v.page.locator('#phase').innerText(), 'Training, signs nothing');
    assert.equal(await v.page.locator('.message[data-tone=error]').count(), 0);
    await v.reads('#row-state', /No row is signed any more/);
    const box = await alarm.boundingBox();
    assert.ok(box && box.y < 200, 'it stands above everything else');
    const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('button', {name: 'Save what was found'}).click()]);
    assert.equal(file.suggestedFilename(), 'peerage-audit-epoch-120.json');
    const found = JSON.parse(await readFile(await file.path(), 'utf8'));
    assert.deepEqual([found.chain, found.wrong.outcome.uid, found.wrong.outcome.own], [CHAIN, 2, '0.2423118201']);
    await v.emit(sound(121));
    await v.reads('#audit-table', /121/);
    assert.equal(await alarm.isVisible(), true, 'a sound epoch does not take it back');
    await v.page.click('#intent-details summary');
    await v.page.selectOption('#intent-what', 'leave');
    await v.page.click('#intent-sign');
    assert.match(await v.page.locator('#intent-fault').innerText(), /Nothing is signed any more/);
    await v.close();
  });

  test('that differs in a figure of the whole names no peer', async () => {
    const v = await running('wrong whole');
    await v.emit({...wrong(120), outcome: {type: 'wrong', table: null, uid: null, figure: 'accounts root', chain: 'aa', own: 'bb'}});
    await v.reads('#alarm', /the chain as a whole[^]*accounts root/);
    await v.close();
  });
});

describe('my gradient', () => {
  test('has numbers where they exist and reasons where not', async () => {
    const v = await running('gradient');
    const value = (/** @type {string} */ name) => v.page.locator(`[data-figure="${name}"] .value`).innerText();
    await v.reads('[data-figure="trust"] .value', /^0\.742$/);
    assert.equal(await value('scaling'), '−0.0312');
    assert.match(await value('clipping'), /^25\.0 % of all stake\s+\+0\.00184 for peer 1, where it is steepest$/);
    assert.match(await value('paid'), /^\+0\.112 for peer 0\s/);
    assert.match(await value('payoff'), /^None\. This chain masks no answers/);
    await v.reads('#gradient-hint', /only along paths that return/);
    assert.deepEqual(await v.page.locator('#gradient-table thead th:visible').allInnerTexts(), ['Peer', 'Weight', '∂s*/∂w', '∂p/∂w']);
    assert.deepEqual((await v.table('gradient-table'))[1].slice(0, 4), ['0, myself', '32.0 %', '−2.10 × 10⁻⁴', '+0.112']);
    await v.close();
  });

  test('has no number and no zero before there is a place', async () => {
    const v = await visit('no place');
    await v.join();
    const none = {type: 'notDefined', reason: 'not registered: there is no own row and no own stake yet'};
    await v.emit({type: 'own', uid: null, height: 1, stake: '0', balance: '0', place: 0, peers: 3, rank: null, trust: null, scaling: 1, loss: null, scalingGradient: none, clippingGradient: none, clipped: none, paidGradient: none, payoffGradient: none, unbonding: [], hint: null, row: [], version: 0});
    await v.shows(/None\. Not registered: there is no own row/);
    for (const text of await v.page.locator('#gradients .value').allInnerTexts()) assert.match(text, /^None\. /);
    assert.equal(await v.page.locator('#gradient-table').isVisible(), false);
    await v.close();
  });
});

describe('my next row', () => {
  test('shows the step peer by peer, its length, and what it would change', async () => {
    const v = await running('proposal');
    await v.reads('#proposal-length', /^It follows the scores\. Its length is 0\.213; the chain takes steps shorter than its\sε\.$/);
    assert.deepEqual(await v.table('effect-table'), [
      ['My rank', '21.8 %', '20.3 %', '−1.49 points'],
      ['My trust', '+0.742', '+0.751', '+0.009'],
      ['My stake after clipping', '25.0 %', '25.4 %', '+0.44 points'],
      ['What I am paid of an epoch', 'none', 'none', '–'],
      ['The chain’s loss', '−0.127', '−0.13', '−0.0028'],
    ]);
    assert.deepEqual((await v.table('proposal-table'))[0], ['1', '39.0 %', '51.2 %', '+12.2 points']);
    assert.equal(await v.page.locator('#proposal-table .bars').first().getAttribute('aria-hidden'), 'true');
    await v.emit(proposal({signed: true, epsilon: 0.5}));
    await v.reads('#proposal', /The step signed last[^]*shorter than ε = 0\.5\./);
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.tab.own(0));
    await v.reads('#proposal', /a first row is exempt from ε\./);
    await v.close();
  });

  test('follows what is chosen, says so, and still does after a reload', async () => {
    const v = await running('policy');
    const choose = (/** @type {RegExp} */ name) => v.page.getByRole('radio', {name}).check();
    await choose(/^My payoff/);
    await v.reads('#policy-said', /climbs my payoff, with α = 10\./);
    await v.page.getByLabel('What learning is worth to me').fill('-1');
    await v.page.keyboard.press('Tab');
    await v.reads('#alpha-fault', /Write α as a number, zero or more\./);
    await v.page.getByLabel('What learning is worth to me').fill('2.5');
    await v.page.keyboard.press('Tab');
    await v.reads('#policy-said', /α = 2\.5/);
    await v.page.getByText('Why a payoff of one’s own ends with oneself').click();
    await v.page.getByText(/follow that gradient alone and the row becomes a vote for oneself/).waitFor();
    await choose(/^Nothing/);
    await v.reads('#policy-said', /signs no rows/);
    assert.equal(await v.page.locator('#proposal').isVisible(), false);
    assert.deepEqual((await v.asked()).map((a) => a.policy), [{type: 'payoff', alpha: 10}, {type: 'payoff', alpha: 2.5}, {type: 'never'}]);
    await v.page.reload();
    await v.join();
    assert.deepEqual(await v.asked(), [{type: 'policy', policy: {type: 'never'}}]);
    await v.reads('#policy-said', /signs no rows/);
    assert.equal(await v.page.getByRole('radio', {name: /^Nothing/}).isChecked(), true);
    await choose(/^The scores/);
    await v.close();
  });

  test('is signed by hand once it was looked at', async () => {
    const v = await running('hand');
    await v.page.getByRole('radio', {name: /^By hand/}).check();
    const sign = v.page.getByRole('button', {name: 'Sign this row …'});
    await v.reads('#hand-said', /^This is the row that stands on the ledger\.$/);
    assert.equal(await sign.isDisabled(), true);
    for (const [peer, parts] of [['0, myself', '0'], ['1', '3'], ['2', '1'], ['3', 'x']]) await v.page.getByRole('textbox', {name: `Parts of peer ${peer}`, exact: true}).fill(parts);
    await v.reads('#hand-said', /^Peer 3: “x” is no number of parts\. Write zero or more\.$/);
    await v.page.getByRole('textbox', {name: 'Parts of peer 3', exact: true}).fill('0');
    await v.reads('#hand-said', /^A step of length 0\.\d{3} from the ledger’s row/);
    assert.deepEqual((await v.table('hand-table')).map((r) => r[2]), ['0.0 %', '75.0 %', '25.0 %', '0.0 %']);
    const another = v.page.getByLabel('Another peer, by number');
    for (const [number, why] of /** @type {[string, RegExp][]} */ ([['9', /No peer 9 stands/], ['1', /in the row already/], ['', /Write the number/]])) {
      await another.fill(number);
      await another.press('Enter');
      await v.reads('#hand-fault', why);
    }
    await sign.click();
    const dialog = v.page.getByRole('dialog', {name: 'Sign a row of 2 peers'});
    assert.match(await dialog.innerText(), /Peer 1\s+75\.0 %\s+Peer 2\s+25\.0 %\s+Signed by\s+the hot key a3f109bc/);
    await dialog.getByRole('button', {name: 'Sign with the hot key'}).click();
    await until('the row is asked for', 5, async () => (await v.asked()).length > 1);
    assert.deepEqual((await v.asked()).slice(1), [{type: 'weights', row: [[1, 0.75], [2, 0.25]]}]);
    await v.reads('#transactions-table', /Row of 2 peers, by hand/);
    await v.page.getByRole('button', {name: 'Begin from the ledger’s'}).click();
    await v.reads('#hand-said', /^This is the row that stands on the ledger\.$/);
    await v.close();
  });
});

describe('transactions', () => {
  test('go from asked to pending to final, or are refused, each said in words', async () => {
    const v = await running('states');
    await v.emit(transaction('cc', 'transfer', {type: 'pending'}));
    await v.reads('#transactions-table', /Pending: signed and handed on, waits for a block/);
    await v.reads('#transactions-state', /^2 in blocks, 1 on the way\.$/);
    await v.emit(transaction('cc', 'transfer', {type: 'included', height: 1203}));
    await v.reads('#transactions-table', /Transfer\s+hot\s+Included: its effect stands in the verified tables of block 1,203/);
    await v.emit(transaction('cc', 'transfer', {type: 'final', height: 1203, index: 1}));
    await v.reads('#transactions-table', /Final: block 1,203, 2nd in it, proven here/);
    await v.emit(transaction('dd', 'unstake', {type: 'refused', reason: 'too soon: next at height 1,204.'}, 'cold'));
    await v.reads('#transactions-table', /Stake taken out\s+cold\s+Refused: too soon: next at height 1,204\s/);
    await v.close();
  });

  test('are confirmed with what will be signed and by which key, and sent once', async () => {
    const v = await running('once');
    const to = 'AB'.repeat(32);
    await v.page.click('#intent-details summary');
    await v.page.getByLabel('To, a public key').fill(to);
    await v.page.getByLabel('Amount, tokens').fill('0.5');
    const sign = v.page.getByRole('button', {name: 'Look at it and sign …'});
    await sign.click();
    assert.match(await v.page.locator('#intent-fault').innerText(), /More than there is: the balance is 0\.0405 tokens\./);
    assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'intent-amount');
    assert.equal(await v.page.locator('#intent-amount').getAttribute('aria-invalid'), 'true');
    await v.page.getByLabel('Amount, tokens').fill('0.025');
    assert.equal(await v.page.locator('#intent-fault').innerText(), '');
    await sign.dblclick();
    const dialog = v.page.getByRole('dialog', {name: 'Transfer 0.025 tokens'});
    assert.match(await dialog.innerText(), new RegExp(`To\\s+${to.toLowerCase()}\\s+Signed by\\s+the cold key f00dcafe7+\\s+Chain\\s+${CHAIN}`));
    await v.page.keyboard.press('Escape');
    assert.equal(await dialog.isVisible(), false);
    assert.deepEqual(await v.asked(), [], 'nothing is sent by looking');
    await sign.click();
    await dialog.getByRole('button', {name: 'Sign with the cold key'}).dblclick();
    await v.reads('#transactions-table', /Transfer 0\.025 tokens to abababab\s+cold\s+Being signed/);
    assert.deepEqual(await v.asked(), [{type: 'transfer', from: 'cold', to: to.toLowerCase(), amount: '25000000'}]);
    await v.page.getByLabel('To, a public key').fill(to);
    await v.page.getByLabel('Amount, tokens').fill('0.025');
    await sign.click();
    await v.reads('#intent-fault', /The same is being signed already\./);
    await v.emit(transaction('cc', 'transfer', {type: 'pending'}));
    await v.reads('#transactions-state', /1 on the way/);
    assert.equal((await v.snapshot()).asked.length, 0);
    await v.close();
  });

  test('that move stake are signed by the cold key, and a refusal is told', async () => {
    const v = await running('stake');
    await v.page.click('#intent-details summary');
    await v.page.getByLabel('What', {exact: true}).selectOption('unstake');
    assert.equal(await v.page.locator('#intent-to-line').isVisible(), false);
    await v.reads('#intent-says', /There is 1\.250731 tokens of it\./);
    await v.page.getByLabel('Amount, tokens').fill('1');
    await v.page.click('#intent-sign');
    await v.page.evaluate(() => (/** @type {any} */ (window).peerage.tab.refusal = 'the cold key is in another tab'));
    await v.page.getByRole('button', {name: 'Sign with the cold key'}).click();
    await v.reads('#transactions-table', /Take out 1 tokens of stake\s+cold\s+Not signed: the cold key is in another tab/);
    await v.page.getByLabel('What', {exact: true}).selectOption('sponsor');
    await v.page.getByLabel('Their public key').fill('5be2770d'.padEnd(64, '7'));
    await v.page.click('#intent-sign');
    await v.reads('#intent-fault', /This key has a place already: it is peer 1\./);
    await v.page.getByLabel('What', {exact: true}).selectOption('leave');
    await v.page.click('#intent-sign');
    await v.page.getByRole('dialog', {name: 'Give up the place on the ledger'}).waitFor();
    await v.page.getByRole('button', {name: 'Do not sign'}).click();
    assert.deepEqual(await v.asked(), []);
    await v.close();
  });

  test('can be asked for by scripts', async () => {
    const v = await running('scripts');
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.ask({type: 'subscribe'}));
    assert.deepEqual(await v.asked(), [{type: 'subscribe'}]);
    assert.equal((await v.snapshot()).asked[0].words, 'Buy a place');
    await v.page.click('#stop');
    await v.shows(/This tab has stopped/);
    await v.page.evaluate(() => /** @type {any} */ (window).peerage.ask({type: 'leave', uid: 0}));
    await v.reads('#transactions-table', /Give up the place\s+cold\s+Not signed: this tab has stopped/);
    assert.equal((await v.asked()).length, 1);
    await v.close();
  });
});

describe('keys', () => {
  test('are named with what each can do, and the cold one is saved once', async () => {
    const v = await running('keys');
    await v.shows(/cold key owns its stake and is in this browser alone/);
    await v.page.getByRole('button', {name: 'Show the keys'}).click();
    assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'keys');
    await v.reads('#keys', /f00dcafe7+[^]*Owns the stake[^]*12D3KooWThisTab[^]*Names this tab in the network/);
    const saved = async (/** @type {string} */ button) => {
      const [file] = await Promise.all([v.page.waitForEvent('download'), v.page.getByRole('button', {name: button}).click()]);
      assert.equal(file.suggestedFilename(), 'peerage-cold-key-f00dcafe.txt');
      return readFile(await file.path(), 'utf8');
    };
    const text = await saved('Save the cold key’s file');
    assert.match(text, /^[0-9a-f]{64}\n$/);
    assert.equal(await saved('Save it again'), text, 'as long as nobody has said that it arrived');
    await v.page.getByRole('button', {name: 'I have the file'}).click();
    await v.reads('#backup-state', /can no longer be read out, only used to sign/);
    assert.doesNotMatch(await v.text(), /is in this browser alone/);
    assert.equal(await v.page.getByRole('button', {name: /Save (it again|the cold key)/}).filter({visible: true}).count(), 0);
    await v.close();
  });

  test('say when the cold one cannot be read any more', async () => {
    const v = await running('backup again');
    await v.page.evaluate(() => (/** @type {any} */ (window).peerage.tab.backups = 1));
    await v.page.getByRole('button', {name: 'Save the cold key’s file'}).click();
    await v.reads('#keys-fault', /^The backup was given out before, and the key cannot be read any more\.$/);
    await v.close();
  });

  test('take a cold one from a file, and no other file', async () => {
    const v = await running('import');
    const go = v.page.getByRole('button', {name: 'Import …'});
    const pick = (/** @type {string} */ text) => v.page.getByLabel('Backup file of a cold key').setInputFiles({name: 'key.txt', mimeType: 'text/plain', buffer: Buffer.from(text)});
    assert.equal(await go.isDisabled(), true);
    for (const [text, why] of /** @type {[string, RegExp][]} */ ([['a letter', /This is no backup of a cold key/], ['x'.repeat(20_000), /larger than 10000 bytes/]])) {
      await pick(text);
      await go.click();
      await v.reads('#keys-fault', why);
    }
    await pick(`${'c0ffee00'.repeat(8)}\n`);
    await go.click();
    await v.page.getByRole('button', {name: 'Import without saving'}).click();
    await v.reads('#keys-said', /^The cold key is here, and used from now on\.$/);
    assert.equal(await v.page.locator('#keys-fault').innerText(), '');
    await v.reads('#key-cold', /^(beef){16}$/);
    await v.reads('#backup-state', /^A copy was saved/);
    await v.close();
  });

  test('without a cold one say that the hot key owns the stake', async () => {
    const v = await running('no cold key');
    await v.page.evaluate(() => {
      const {tab} = /** @type {any} */ (window).peerage;
      tab.emit(tab.identity(null, false));
    });
    await v.reads('#keys', /none in this browser[^]*that one owns the stake: keep its file[^]*Otherwise the hot key does/);
    assert.equal(await v.page.locator('#backup').isVisible(), false);
    await v.page.click('#intent-details summary');
    assert.equal(await v.page.locator('#intent-from-line').isVisible(), false);
    await v.close();
  });
});

describe('sources', () => {
  test('are named, with who was dropped for lying and what it said', async () => {
    const v = await running('sources');
    await v.reads('#sources-state', /^1 node, 1 tab can be asked\.$/);
    await v.emit({...DROPPED, source: '12D3KooWTabNearBy'});
    await v.reads('#sources-state', /^1 node can be asked; 1 dropped for saying something false\.$/);
    assert.deepEqual((await v.table('sources-table'))[0], ['c8130a5d', 'tab', 'Dropped: quorum not met: 2 of 4 validators signed, 3 are needed.']);
    await v.shows(/c8130a5d said something false about the ledger and is not asked any more/);
    await v.close();
  });

  test('tell what is kept, what was verified again, and what was damaged', async () => {
    const v = await running('kept');
    await v.reads('#sources', /this browser’s own file store[^]*2\.3 MB[^]*412[^]*nothing was here/);
    await v.emit(RESTORED);
    await v.reads('#restored', /^412 epochs verified again from this device in 204 ms, up to block 4,129, with its tables$/);
    await v.emit(DAMAGED);
    await v.reads('#damaged', /^Damaged and written anew: the tables of the last epoch\. The hash before the content/);
    await v.emit({type: 'kept', bytes: 0, epochs: 0, place: 'memory'});
    await v.reads('#kept-place', /memory only, gone when this tab closes/);
    await v.close();
  });

  test('the proof of work is held and goes on', async () => {
    const v = await visit('work');
    await v.join();
    await v.page.getByRole('button', {name: 'Hold it'}).click();
    await v.shows(/Held: this tab verifies the ledger meanwhile/);
    await v.page.getByRole('button', {name: 'Go on with it'}).click();
    await v.shows(/On average this takes/);
    assert.deepEqual(await v.asked(), [{type: 'work', paused: true}, {type: 'work', paused: false}]);
    await v.minute();
    assert.equal(await v.page.locator('.hold').isVisible(), false);
    await v.close();
  });

  test('a second tab joins as another peer when told to', async () => {
    const v = await running('one');
    const second = await v.context.newPage();
    await second.goto(played.url);
    await second.click('#join');
    await second.getByRole('button', {name: 'Join here as another peer'}).click();
    await second.getByText(/Proof of work/).waitFor({timeout: 10_000});
    assert.equal(await second.getByText(/already runs in another tab/).count(), 0);
    await v.close();
  });
});

describe('everybody', () => {
  for (const [name, options] of /** @type {[string, import('playwright-core').BrowserContextOptions][]} */ ([
    ['light', {colorScheme: 'light', viewport: {width: 1280, height: 800}}],
    ['dark', {colorScheme: 'dark', viewport: {width: 1280, height: 800}}],
    ['phone', {colorScheme: 'light', viewport: {width: 390, height: 800}}],
  ])) {
    test(`can use the page by ear, by keyboard and with weak eyes: ${name}`, async () => {
      const v = await running(name, options);
      const unfold = () => v.page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));
      await unfold();
      for (const event of [DROPPED, RESTORED, DAMAGED, notAudited(118), transaction('cc', 'transfer', {type: 'refused', reason: 'too poor'}), transaction('dd', 'stake', {type: 'final', height: 3, index: 0}, 'cold')]) await v.emit(event);
      await v.reads('#transactions-table', /too poor/);
      assert.deepEqual(await faults(v.page), []);
      await v.page.getByRole('radio', {name: /^By hand/}).check();
      await v.page.locator('#intent-what').selectOption('leave');
      await v.page.click('#intent-sign');
      await v.page.getByRole('dialog').waitFor();
      assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'confirm-cancel', 'the harmless button has the focus');
      assert.deepEqual(await faults(v.page), []);
      await v.page.keyboard.press('Enter');
      assert.equal(await v.page.evaluate(() => document.activeElement?.id), 'intent-sign', 'the focus goes back');
      await v.emit(wrong(120));
      await v.page.getByRole('alert', {name: 'The chain’s figures are wrong'}).waitFor({timeout: 10_000});
      assert.deepEqual(await faults(v.page), []);
      await v.close();
    });
  }

  for (const width of [320, 390, 768, 1280]) {
    test(`has nothing that sticks out at ${width} pixels`, async () => {
      const v = await running(`${width}`, {viewport: {width, height: 800}});
      await v.page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));
      await v.emit({...DROPPED, reason: `the root is ${'0'.repeat(64)}`});
      await v.emit(transaction('cc', 'transfer', {type: 'refused', reason: `no account ${'a'.repeat(64)}`}));
      await v.emit(wrong(120));
      await v.shows(/no account a/);
      const wide = () => v.page.evaluate(() => {
        const limit = document.documentElement.clientWidth;
        return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > limit + 1 && !e.closest('.hidden, .skip, thead')).map((e) => e.tagName + (e.id ? `#${e.id}` : `.${e.className}`));
      });
      assert.deepEqual(await wide(), []);
      await v.close();
    });
  }

  test('what others say is text in every panel, never markup', async () => {
    const v = await running('hostile');
    const evil = '<img src=x onerror="window.hit=1">';
    await v.emit({...wrong(120), outcome: {type: 'wrong', table: evil, uid: 1, figure: evil, chain: evil, own: evil}});
    await v.emit({...DROPPED, source: evil, reason: evil});
    await v.emit({...DAMAGED, shelf: evil, reason: evil});
    await v.emit({...transaction('ee', evil, {type: 'refused', reason: evil})});
    await v.emit({...notAudited(121), outcome: {type: 'notAudited', reason: evil}});
    await v.shows(/Refused: <img src=x/);
    await v.reads('#alarm-chain', /<img src=x/);
    assert.equal(await v.page.locator('img').count(), 0);
    assert.equal(await v.page.evaluate(() => 'hit' in window), false);
    await v.close();
  });
});
