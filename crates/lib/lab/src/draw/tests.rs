//! Whole documents: every mark, every kind of hard number, the same bytes again.

use super::{DrawError, NARROW, figure, svg};
use crate::report::{Column, Figure, Mark, Report, Table};
use crate::{all, find};

/// A report with a figure of these columns.
fn report(mark: Mark, columns: Vec<Column>) -> Report {
    let mut report = Report::new("hard", "Hard <numbers> & names");
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    report.tables.push(Table::new("t", columns));
    report.figures.push(Figure {
        title: "What is \"hard\"",
        table: "t",
        x: names[0].clone(),
        series: names[1..].to_vec(),
        y: "height",
        unit: "m",
        mark,
    });
    report
}

/// The document, which must be well-formed and carry only finite numbers.
fn drawn(report: &Report) -> String {
    let text = svg(report).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.first_element_child().and_then(|title| title.text()), Some(report.title));
    for word in ["NaN", "inf", "2147483647"] {
        assert!(root.descendants().all(|node| node.attributes().all(|one| !one.value().contains(word))), "{text}");
    }
    text
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

const MARKS: [Mark; 4] = [Mark::Line, Mark::Point, Mark::Bar, Mark::Heat];

#[test]
fn each_mark_draws_what_it_is() {
    let columns = |mark| {
        let column = |name: &str, values: [f64; 4]| Column::new(name, values.to_vec());
        let x = column("x", [0.0, 1.0, 0.0, 1.0]);
        report(mark, vec![x, column("a", [0.0, 0.0, 1.0, 1.0]), column("b", [0.1, 0.2, 0.3, 0.4])])
    };
    let colours = ["#0072B2", "#D55E00"];
    for mark in [Mark::Line, Mark::Point, Mark::Bar] {
        let text = drawn(&columns(mark));
        assert!(colours.iter().all(|colour| text.contains(colour)), "{mark:?}");
        assert!(text.contains("height [m]"));
    }
    assert_eq!(count(&drawn(&columns(Mark::Point)), "<circle"), 8 + 2);
    assert_eq!(count(&drawn(&columns(Mark::Bar)), "<rect"), 1 + 8 + 2);
    // The ground, the squares, the scale.
    assert_eq!(count(&drawn(&columns(Mark::Heat)), "<rect"), 1 + 4 + 64);
}

#[test]
fn every_report_can_be_drawn() {
    let hard = [
        vec![],
        vec![0.0],
        vec![5.0; 3],
        vec![f64::NAN; 3],
        vec![1.0, f64::NAN, f64::INFINITY, 2.0],
        vec![f64::MAX, f64::MIN, 1.0],
        vec![1e299, -1e299],
        vec![1e-310, 2e-310, 0.0],
        vec![1.0, 1.0 + f64::EPSILON],
        vec![-3e-9, 2e-9, 1e-9],
        vec![1e15, 1e15 + 1.0, 1e15 + 2.0],
        (0..100).map(f64::from).collect(),
    ];
    for mark in MARKS {
        for x in &hard {
            for y in &hard {
                let columns = vec![
                    Column::new("x", x.clone()),
                    Column::new("\u{0}a<&>\"'", y.clone()),
                    Column::with_unit("a very long name ".repeat(20), "τ", x.clone()),
                ];
                drawn(&report(mark, columns));
            }
        }
    }
    let mut empty = report(Mark::Line, vec![Column::new("x", vec![])]);
    assert!(drawn(&empty).contains("no data"));
    empty.figures.clear();
    assert!(drawn(&empty).contains("no figures"));
}

#[test]
fn long_tables_give_short_documents() {
    let count = 100_000;
    let wave = |speed: f64| (0..count).map(|index| libm::sin(f64::from(index) * speed)).collect::<Vec<f64>>();
    for mark in MARKS {
        let names = ["x", "a", "b"].into_iter().zip([0.0, 0.37, 0.01]);
        let mut columns: Vec<Column> = names.map(|(name, speed)| Column::new(name, wave(speed))).collect();
        columns[0] = Column::index("x", 100_000);
        let text = drawn(&report(mark, columns));
        assert!(text.len() < 1_500_000, "{mark:?}: {}", text.len());
    }
}

#[test]
fn many_series_are_drawn_with_a_legend_that_ends() {
    let columns = (0..60).map(|index| Column::new(format!("s{index}"), vec![f64::from(index), 1.0])).collect();
    assert!(drawn(&report(Mark::Line, columns)).contains("and 35 more"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let scenario = find("cabal-decay").unwrap();
    let report = scenario.report(&scenario.settings(0, []).unwrap()).unwrap();
    assert_eq!(drawn(&report), drawn(&report.clone()));
    assert!(all().iter().any(|one| one.name == report.scenario));
}

#[test]
fn a_figure_by_itself_fits_its_page_and_says_where_its_lines_are() {
    let x = [0.0, 1.0, 2.0, f64::NAN];
    let columns = vec![Column::new("x", x.to_vec()), Column::new("a", vec![0.0, 5.0, 10.0, 1.0])];
    for mark in MARKS {
        let report = report(mark, [columns.clone(), vec![Column::new("b", vec![1.0; 4])]].concat());
        for (asked, width) in [(0.0, NARROW), (f64::NAN, NARROW), (400.0, 400.0), (9e9, 720.0)] {
            let drawing = figure(&report, 0, asked).unwrap();
            assert!(roxmltree::Document::parse(&drawing.svg).is_ok());
            assert!(drawing.svg.contains(&format!("width=\"{width}\" height=\"{}\"", drawing.height)), "{mark:?}");
            assert_eq!(drawing.marks.is_none(), mark == Mark::Heat);
            let Some(marks) = drawing.marks else { continue };
            assert!(marks.across[..3].windows(2).all(|pair| 0.0 < pair[0] && pair[0] < pair[1] && pair[1] < width));
            assert!(marks.across[3].is_nan());
            assert!(0.0 < marks.top && marks.top < marks.bottom && marks.bottom < drawing.height);
            assert!(marks.low <= 0.0 && marks.high >= 10.0);
            assert_eq!(marks.colours, ["#0072B2", "#D55E00"]);
        }
    }
    let report = report(Mark::Line, columns);
    assert_eq!(figure(&report, 1, 400.0), Err(DrawError::NoFigure { index: 1, figures: 1 }));
}

#[test]
fn every_figure_of_a_scenario_can_stand_by_itself() {
    let scenario = find("market-game").unwrap();
    let settings = scenario.settings(0, [("seeds", "1"), ("steps", "5"), ("peers", "4")]).unwrap();
    let report = scenario.report(&settings).unwrap();
    for index in 0..report.figures.len() {
        assert!(roxmltree::Document::parse(&figure(&report, index, NARROW).unwrap().svg).is_ok());
    }
}

#[test]
fn a_figure_of_what_is_not_there_is_refused() {
    let mut wrong = report(Mark::Heat, vec![Column::new("x", vec![]), Column::new("y", vec![])]);
    assert_eq!(svg(&wrong), Err(DrawError::NoValue { figure: "What is \"hard\"", series: 1 }));
    wrong.figures[0].series.push("z".into());
    assert!(svg(&wrong).unwrap_err().to_string().contains("a column z that the table t has not"));
    wrong.figures[0].table = "u";
    assert!(svg(&wrong).unwrap_err().to_string().contains("a table u that is not there"));
}
