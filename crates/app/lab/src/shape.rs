//! What the module gives, as objects with names: the same in Rust and, below, in TypeScript.

use lab::draw::{Drawing, Marks};
use lab::report::{Column, Fact, Figure, Report, Table};
use lab::scenario::{Range, Scenario, Setting, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A question, and what can be set. */
export interface Scenario {
  name: string;
  title: string;
  about: string;
  /** Whether the seed changes anything. */
  random: boolean;
  settings: Setting[];
}

/** One thing that can be set. */
export interface Setting {
  name: string;
  /** What it is, with its unit. */
  about: string;
  kind: 'number' | 'whole' | 'choice';
  default: number | string;
  /** Of a number. */
  least: number | null;
  most: number | null;
  /** Of a choice. */
  among: string[] | null;
}

/** The numbers of a run, and which figures there are. */
export interface Outline {
  scenario: string;
  title: string;
  seed: number;
  settings: Record<string, number | string>;
  facts: {name: string; value: number; unit: string}[];
  tables: Table[];
  figures: Figure[];
  /** Lines of the table that the first figure shows: what can be stepped through. */
  steps: number;
}

/** Columns of equal length. */
export interface Table {
  name: string;
  columns: Column[];
}

/** Numbers of one kind. */
export interface Column {
  name: string;
  /** Empty for a count or a ratio. */
  unit: string;
  values: number[];
  /** What the numbers 0, 1, … stand for, where they are no quantities. */
  labels: string[];
}

/** A view of a table. */
export interface Figure {
  title: string;
  table: string;
  x: string;
  series: string[];
  y: string;
  unit: string;
  mark: 'line' | 'point' | 'bar' | 'heat';
}

/** A figure, drawn. */
export interface Drawing {
  svg: string;
  /** Pixels. */
  width: number;
  height: number;
  marks: Marks | null;
}

/** Where the values of a figure are, in pixels. */
export interface Marks {
  /** How far right each line of the table is; NaN where it has no place. */
  across: number[];
  top: number;
  bottom: number;
  /** The values at the two ends of the vertical axis. */
  low: number;
  high: number;
  /** The colour of each series. */
  colours: string[];
}

/** A formula with the numbers of one step. */
export interface Formula {
  says: string;
  right: Reading;
  /** How a draft prints it, where that differs. */
  literal: Reading | null;
  terms: {symbol: string; about: string; value: number; said: string}[];
}

/** One reading of a formula; `math` and `numbers` are MathML elements as text. */
export interface Reading {
  text: string;
  math: string;
  numbers: string | null;
  value: number | null;
  /** What is wrong with it; of a literal reading. */
  why: string | null;
}
"#;

/// [`Scenario`] as an object.
#[derive(Serialize)]
pub struct ScenarioShape {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    random: bool,
    settings: Vec<SettingShape>,
}

#[derive(Serialize)]
struct SettingShape {
    name: &'static str,
    about: &'static str,
    kind: &'static str,
    default: Value,
    least: Option<Value>,
    most: Option<Value>,
    among: Option<&'static [&'static str]>,
}

/// The numbers of a [`Report`].
#[derive(Serialize)]
pub struct Outline<'a> {
    scenario: &'static str,
    title: &'static str,
    seed: u64,
    settings: &'a BTreeMap<&'static str, Value>,
    facts: &'a [Fact],
    tables: Vec<TableShape<'a>>,
    figures: &'a [Figure],
    steps: usize,
}

#[derive(Serialize)]
struct TableShape<'a> {
    name: &'static str,
    columns: Vec<ColumnShape<'a>>,
}

#[derive(Serialize)]
struct ColumnShape<'a> {
    name: &'a str,
    unit: &'static str,
    values: &'a [f64],
    labels: &'a [&'static str],
}

/// A [`Drawing`] as an object.
#[derive(Serialize)]
pub struct DrawingShape {
    svg: String,
    width: f64,
    height: f64,
    marks: Option<Marks>,
}

impl ScenarioShape {
    /// Of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let Scenario { name, title, about, random, .. } = *scenario;
        Self { name, title, about, random, settings: scenario.settings.iter().map(SettingShape::of).collect() }
    }
}

impl SettingShape {
    fn of(setting: &Setting) -> Self {
        let (kind, least, most, among) = match setting.range {
            Range::Number { least, most, .. } => {
                ("number", Some(Value::Number(least)), Some(Value::Number(most)), None)
            }
            Range::Whole { least, most, .. } => ("whole", Some(Value::Whole(least)), Some(Value::Whole(most)), None),
            Range::Choice(among) => ("choice", None, None, Some(among)),
        };
        Self { name: setting.name, about: setting.about, kind, default: setting.range.default(), least, most, among }
    }
}

impl<'a> Outline<'a> {
    /// Of a report.
    pub fn of(report: &'a Report) -> Self {
        Self {
            scenario: report.scenario,
            title: report.title,
            seed: report.seed,
            settings: &report.settings,
            facts: &report.facts,
            tables: report.tables.iter().map(TableShape::of).collect(),
            figures: &report.figures,
            steps: report.steps(),
        }
    }
}

impl<'a> TableShape<'a> {
    fn of(table: &'a Table) -> Self {
        let column = |column: &'a Column| ColumnShape {
            name: &column.name,
            unit: column.unit,
            values: &column.values,
            labels: &column.labels,
        };
        Self { name: table.name, columns: table.columns.iter().map(column).collect() }
    }
}

impl DrawingShape {
    /// Of a drawing.
    pub fn of(drawing: Drawing) -> Self {
        let Drawing { svg, width, height, marks } = drawing;
        Self { svg, width, height, marks }
    }
}
