// Types of a `.d.ts` as plain shapes, and whether a value has one. A shape is {is: 'number' | 'string' | 'boolean' | 'bytes' | 'null' |
// 'undefined'}, {is: 'literal', value}, {is: 'array', of}, {is: 'tuple', of: [...]}, {is: 'object', fields: {name: {optional, shape}}} or
// {is: 'union', of: [...]}.

import {fileURLToPath} from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** @typedef {{is: string, value?: string, of?: any, fields?: Record<string, {optional: boolean, shape: Shape}>}} Shape */

/** A program over files, as strict as can be. @param {string[]} files @param {Record<string, string[]>} [paths] where packages are, by name */
export function program(files, paths = {}) {
  return ts.createProgram(files, {
    strict: true,
    checkJs: true,
    allowJs: true,
    noEmit: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
    types: [],
    paths,
  });
}

/** The shapes of the types that a file exports, made when they are asked for. @param {string} file */
export function shapes(file) {
  const made = program([file]);
  const checker = made.getTypeChecker();
  const source = made.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  if (!symbol) throw new Error(`${file} exports nothing`);
  const exported = new Map(checker.getExportsOfModule(symbol).map((one) => [one.name, one]));
  const find = (/** @type {string} */ name) => {
    const one = exported.get(name);
    if (!one) throw new Error(`${file} has no type ${name}`);
    return checker.getDeclaredTypeOfSymbol(one);
  };
  return {
    names: [...exported.keys()],
    shape: (/** @type {string} */ name) => shapeOf(find(name), checker),
    members: (/** @type {string} */ name) => find(name).getProperties().map((property) => property.name),
  };
}

/** @param {ts.Type} type @param {ts.TypeChecker} checker @returns {Shape} */
function shapeOf(type, checker) {
  const of = (/** @type {ts.Type} */ one) => shapeOf(one, checker);
  if (type.isUnion()) return union(type.types.map(of));
  if (type.isStringLiteral()) return {is: 'literal', value: type.value};
  const plain = /** @type {[ts.TypeFlags, string][]} */ ([
    [ts.TypeFlags.NumberLike, 'number'],
    [ts.TypeFlags.String, 'string'],
    [ts.TypeFlags.BooleanLike, 'boolean'],
    [ts.TypeFlags.Null, 'null'],
    [ts.TypeFlags.Undefined, 'undefined'],
  ]).find(([flag]) => type.flags & flag);
  if (plain) return {is: plain[1]};
  if (type.symbol?.name === 'Uint8Array') return {is: 'bytes'};
  const parts = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type)).map(of);
  if (checker.isTupleType(type)) return {is: 'tuple', of: parts};
  if (checker.isArrayType(type)) return {is: 'array', of: parts[0]};
  const fields = type.getProperties().map((property) => {
    const optional = Boolean(property.flags & ts.SymbolFlags.Optional);
    const shape = of(checker.getTypeOfSymbol(property));
    return [property.name, {optional, shape: optional ? without(shape, 'undefined') : shape}];
  });
  return {is: 'object', fields: Object.fromEntries(fields)};
}

/** @param {Shape[]} of @returns {Shape} */
export function union(of) {
  const flat = of.flatMap((one) => (one.is === 'union' ? one.of : [one]));
  const unique = [...new Map(flat.map((/** @type {Shape} */ one) => [JSON.stringify(one), one])).values()];
  return unique.length === 1 ? unique[0] : {is: 'union', of: unique};
}

/** @param {Shape} shape @param {string} is */
export const without = (shape, is) => (shape.is === 'union' ? union(shape.of.filter((/** @type {Shape} */ one) => one.is !== is)) : shape);

/** The members of a union, or the one there is. @param {Shape} shape @returns {Shape[]} */
export const members = (shape) => (shape.is === 'union' ? shape.of : [shape]);

/** The member that a `type` names. @param {Shape} shape @param {unknown} type */
export const tagged = (shape, type) => members(shape).find((one) => one.fields?.type?.shape.value === type);

/**
 * What is wrong with a value that should have a shape, place by place; nothing where it has.
 * @param {unknown} value @param {Shape} shape @param {string} at @returns {string[]}
 */
export function faults(value, shape, at) {
  const wrong = [`${at}: ${JSON.stringify(value)} is no ${shape.is === 'literal' ? shape.value : shape.is}`];
  switch (shape.is) {
    case 'union': {
      const type = /** @type {any} */ (value)?.type;
      const named = typeof type === 'string' ? tagged(shape, type) : undefined;
      if (named) return faults(value, named, at);
      return shape.of.some((/** @type {Shape} */ one) => faults(value, one, at).length === 0) ? [] : wrong;
    }
    case 'literal':
      return value === shape.value ? [] : wrong;
    case 'bytes':
      return value instanceof Uint8Array ? [] : wrong;
    case 'null':
      return value === null ? [] : wrong;
    case 'array':
    case 'tuple': {
      if (!Array.isArray(value) || (shape.is === 'tuple' && value.length !== shape.of.length)) return wrong;
      return value.flatMap((one, index) => faults(one, shape.is === 'array' ? shape.of : shape.of[index], `${at}[${index}]`));
    }
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong;
      const fields = shape.fields ?? {};
      const known = Object.entries(fields).flatMap(([name, {optional, shape}]) => {
        const one = /** @type {any} */ (value)[name];
        return optional && one === undefined ? [] : faults(one, shape, `${at}.${name}`);
      });
      return [...known, ...Object.keys(value).filter((name) => !(name in fields)).map((name) => `${at}.${name} is not described`)];
    }
    default:
      return typeof value === shape.is ? [] : wrong;
  }
}
