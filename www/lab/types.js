// @ts-check
/**
 * What the module `peerage-lab` gives (`crates/app/lab/src/shape.rs`, where the same stands in TypeScript), and what the
 * parts of the element tell each other.
 *
 * @typedef {object} Scenario a question, and what can be set
 * @property {string} name
 * @property {string} title
 * @property {string} about
 * @property {boolean} random whether the seed changes anything
 * @property {Setting[]} settings
 *
 * @typedef {object} Setting one thing that can be set
 * @property {string} name
 * @property {string} about what it is, with its unit
 * @property {'number'|'whole'|'choice'} kind
 * @property {number|string} default
 * @property {number|null} least of a number
 * @property {number|null} most
 * @property {string[]|null} among of a choice
 *
 * @typedef {object} Outline the numbers of a run
 * @property {string} scenario
 * @property {string} title
 * @property {number} seed
 * @property {Record<string, number|string>} settings
 * @property {{name: string, value: number, unit: string}[]} facts
 * @property {Table[]} tables
 * @property {Figure[]} figures
 * @property {number} steps lines of the table that the first figure shows
 *
 * @typedef {object} Table
 * @property {string} name
 * @property {Column[]} columns
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {string} unit
 * @property {number[]} values
 * @property {string[]} labels what the numbers 0, 1, … stand for, where they are no quantities
 *
 * @typedef {object} Figure
 * @property {string} title
 * @property {string} table
 * @property {string} x
 * @property {string[]} series
 * @property {string} y
 * @property {string} unit
 * @property {'line'|'point'|'bar'|'heat'} mark
 *
 * @typedef {object} Drawing a figure, drawn; pixels
 * @property {string} svg
 * @property {number} width
 * @property {number} height
 * @property {Marks|null} marks
 *
 * @typedef {object} Marks where the values of a figure are
 * @property {number[]} across how far right each line of the table is; NaN where it has no place
 * @property {number} top
 * @property {number} bottom
 * @property {number} low the value at the bottom
 * @property {number} high the value at the top
 * @property {string[]} colours of each series
 *
 * @typedef {object} Formula
 * @property {string} says
 * @property {Reading} right
 * @property {Reading|null} literal
 * @property {{symbol: string, about: string, value: number, said: string}[]} terms
 *
 * @typedef {object} Reading
 * @property {string} text
 * @property {string} math MathML
 * @property {string|null} numbers MathML
 * @property {number|null} value
 * @property {string|null} why
 *
 * @typedef {object} Recipe what is run
 * @property {string} scenario
 * @property {string} seed
 * @property {Record<string, string>} settings those that are not the default, as text
 *
 * @typedef {{kind: 'scenarios'} | {kind: 'run', recipe: Recipe, width: number} | {kind: 'formulas', recipe: Recipe, step: number} |
 *   {kind: 'csv'|'svg'|'json', recipe: Recipe}} Request
 */
export {};
