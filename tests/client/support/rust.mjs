// Enums and structs of the port as shapes (shapes.mjs): what serde makes of them, by the rules that those files keep to. What it cannot
// read is an error, so that nothing is passed over.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {ROOT, union} from './shapes.mjs';

/** @typedef {import('./shapes.mjs').Shape} Shape */
/** @typedef {{serde: string, kind: 'struct'|'enum', body: string}} Item */

/**
 * Types of files, later ones in place of earlier ones of the same name.
 * @param {string[]} files from the root of the checkout @param {'null'|'undefined'} none what `None` becomes
 */
export function rust(files, none) {
  /** @type {Map<string, Item>} */
  const items = new Map();
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8').replace(/\/\/.*$/gm, '');
    for (const {1: attributes, 2: kind, 3: name, 4: body} of text.matchAll(/((?:#\[[^\n]*\]\s*)*)pub(?:\([a-z]+\))? (enum|struct) (\w+)(?:<[^>]*>)? \{\n([\s\S]*?)\n\}/g)) items.set(name, item(attributes, kind, body));
    for (const {1: attributes, 2: kind, 3: name, 4: body} of text.matchAll(/((?:#\[[^\n]*\]\s*)+)(struct) (\w+) \{\n([\s\S]*?)\n\}/g)) items.set(name, item(attributes, kind, body));
  }
  const shape = (/** @type {string} */ name) => {
    const item = items.get(name);
    if (!item) throw new Error(`no type ${name} in ${files.join(', ')}`);
    if (item.kind === 'struct') return object(fields(item.body, /rename_all = "camelCase"/.test(item.serde)));
    const tag = /tag = "type"/.test(item.serde);
    return union(variants(item.body).map(({name, inside, of}) => {
      const type = camel(name);
      if (!tag) return {is: 'literal', value: type};
      const inner = of ? shape(of).fields : fields(inside, /rename_all_fields/.test(item.serde) || !/_/.test(inside));
      return object({type: {optional: false, shape: {is: 'literal', value: type}}, ...inner});
    }));
  };
  const fields = (/** @type {string} */ body, /** @type {boolean} */ camels) =>
    Object.fromEntries(split(body).map((field) => {
      const {name, type} = /^(?:pub(?:\([a-z]+\))? )?(?<name>\w+): (?<type>.+)$/s.exec(field)?.groups ?? {};
      if (!name) throw new Error(`no field: ${field}`);
      const made = typed(type);
      const optional = none === 'undefined' && /^Option</.test(type);
      return [camels ? camel(name) : name, {optional, shape: optional ? union(made.of.filter((/** @type {Shape} */ one) => one.is !== 'undefined')) : made}];
    }));
  const typed = (/** @type {string} */ type) => {
    const inside = (/** @type {RegExp} */ pattern) => pattern.exec(type)?.[1];
    const [list, maybe, tuple, fixed] = [/^Vec<(.+)>$/s, /^Option<(.+)>$/s, /^\((.+)\)$/s, /^\[(.+); 3\]$/s].map(inside);
    if (/^([ui](8|16|32|64)|usize|f32|f64)$/.test(type)) return {is: 'number'};
    if (/^(String|&'(static|a) str)$/.test(type)) return {is: 'string'};
    if (type === 'bool') return {is: 'boolean'};
    if (type === 'ByteBuf') return {is: 'bytes'};
    if (list) return {is: 'array', of: typed(list)};
    if (maybe) return union([typed(maybe), {is: none}]);
    if (tuple) return {is: 'tuple', of: split(tuple).map(typed)};
    if (fixed) return {is: 'tuple', of: [fixed, fixed, fixed].map(typed)};
    return shape(type);
  };
  return {shape};
}

/** @param {string} attributes @param {string} kind @param {string} body @returns {Item} */
const item = (attributes, kind, body) => ({serde: /#\[serde\(([^\n]*)\)\]/.exec(attributes)?.[1] ?? '', kind: kind === 'struct' ? 'struct' : 'enum', body: body.replace(/#\[[^\n]*\]/g, '')});

/** @param {Record<string, any>} fields @returns {Shape} */
const object = (fields) => ({is: 'object', fields});

/** Parts between commas that are not inside of anything. @param {string} text */
function split(text) {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    depth += '<([{'.includes(letter) ? 1 : '>)]}'.includes(letter) ? -1 : 0;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}

/** Variants with their fields, or with the struct that they hold. @param {string} body */
function variants(body) {
  return split(body).map((variant) => {
    const {name, inside = '', of} = /^(?<name>[A-Z]\w*)(?: \{(?<inside>.*)\}|\((?<of>\w+)\))?$/s.exec(variant)?.groups ?? {};
    if (!name) throw new Error(`no variant: ${variant}`);
    return {name, inside, of};
  });
}

/** As serde's camelCase, of a field or of a variant. @param {string} name */
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()).replace(/^[A-Z]/, (letter) => letter.toLowerCase());
