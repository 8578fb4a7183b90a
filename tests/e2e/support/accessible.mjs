// What keeps somebody from using the page by ear, by keyboard or with weak eyes: fields and buttons without a name, tables
// without heads, references to nothing, headings that skip a level, text too faint to read. Runs in the page.

/** What is wrong, each with where; empty where nothing is. @param {import('playwright-core').Page} page @returns {Promise<string[]>} */
export const faults = (page) =>
  page.evaluate(() => {
    /** @type {string[]} */
    const found = [];
    const where = (/** @type {Element} */ e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : e.className ? `.${e.className}` : ''} in ${e.closest('section, form, dialog')?.id ?? 'body'}`;
    const seen = (/** @type {Element} */ e) => e.checkVisibility({visibilityProperty: true}) && !e.closest('[inert]');
    const texts = (/** @type {string|null} */ ids) => (ids ?? '').split(/\s+/).filter((id) => id).map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
    const name = (/** @type {Element} */ e) =>
      e.getAttribute('aria-label')?.trim() || texts(e.getAttribute('aria-labelledby')) || [.../** @type {any} */ (e).labels ?? []].map((l) => l.textContent.trim()).join(' ') || (/^(BUTTON|A|SUMMARY)$/.test(e.tagName) ? e.textContent?.trim() : '');

    for (const e of document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=img]')) {
      if (seen(e) && !name(e)) found.push(`no name: ${where(e)}`);
    }
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
      for (const id of `${e.getAttribute('aria-labelledby') ?? ''} ${e.getAttribute('aria-describedby') ?? ''}`.split(/\s+/)) {
        if (id && !document.getElementById(id)) found.push(`names nothing: ${id} of ${where(e)}`);
      }
    }
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    for (const id of ids.filter((x, i) => ids.indexOf(x) !== i)) found.push(`twice: #${id}`);

    for (const table of document.querySelectorAll('table')) {
      if (!seen(table)) continue;
      const heads = [...table.querySelectorAll('thead th')];
      if (!table.caption?.textContent) found.push(`no caption: ${where(table)}`);
      if (heads.length === 0 || heads.some((h) => h.getAttribute('scope') !== 'col' || !h.textContent)) found.push(`no heads of columns: ${where(table)}`);
      for (const row of table.querySelectorAll('tbody tr')) {
        if (row.children[0]?.getAttribute('scope') !== 'row') found.push(`no head of a row: ${where(table)}`);
        const hidden = (/** @type {Element[]} */ list) => list.filter((c) => !(/** @type {HTMLElement} */ (c).hidden)).length;
        if (hidden([...row.children]) !== hidden(heads)) found.push(`${hidden([...row.children])} cells below ${hidden(heads)} heads: ${where(table)}`);
      }
    }
    let level = 0;
    for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
      if (!seen(heading)) continue;
      const next = Number(heading.tagName[1]);
      if (next > level + 1) found.push(`skips from h${level} to h${next}: ${heading.textContent}`);
      level = next;
      if (!heading.textContent?.trim()) found.push(`empty: ${where(heading)}`);
    }
    for (const e of document.querySelectorAll('button, a[href], input, select, textarea, summary')) {
      if (seen(e) && /** @type {HTMLElement} */ (e).tabIndex < 0) found.push(`out of reach of the keyboard: ${where(e)}`);
    }

    const channels = (/** @type {string} */ colour) => {
      const [r, g, b, a = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
      return colour.startsWith('rgb') ? {r, g, b, a} : null;
    };
    /** @param {{r: number, g: number, b: number}} c */
    const light = ({r, g, b}) => {
      const linear = (/** @type {number} */ x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const behind = (/** @type {Element|null} */ e) => {
      for (; e; e = e.parentElement) {
        const c = channels(getComputedStyle(e).backgroundColor);
        if (c && c.a === 1) return c;
      }
      return {r: 255, g: 255, b: 255};
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const e = node.parentElement;
      if (!e || !node.textContent?.trim() || !seen(e) || e.closest('.hidden, .skip, svg, script, option, noscript, :disabled')) continue;
      const style = getComputedStyle(e);
      const ink = channels(style.color);
      if (!ink) continue;
      const [a, b] = [light(ink), light(behind(e))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) found.push(`too faint (${ratio.toFixed(2)}): “${node.textContent.trim().slice(0, 40)}” of ${where(e)}`);
    }
    return [...new Set(found)];
  });
