// @ts-check
/**
 * `<peerage-lab>`: one script tag puts the lab into any page.
 *
 *     <script type="module" src="https://…/lab/lab.js"></script>
 *     <peerage-lab scenario="cabal-decay"></peerage-lab>
 *
 * The element is described in element.js. Everything else it needs lies beside this file and is found from there.
 */

import {PeerageLab} from './element.js';

if (!customElements.get('peerage-lab')) customElements.define('peerage-lab', PeerageLab);
