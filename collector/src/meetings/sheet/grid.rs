//! A sheet as rows of texts, wherever it came from.

/// Rows that are looked at: a year of twenty meetings a working day.
pub(super) const ROWS: usize = 5_000;

/// Columns that are looked at; a schedule has ten.
pub(super) const COLUMNS: usize = 64;

/// Rows with their number as the spreadsheet program shows it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Grid {
    /// The sheet's name, where the workbook has several.
    pub(super) name: Option<String>,
    /// Those that say something.
    pub(super) rows: Vec<(usize, Vec<String>)>,
    /// The first row that is beyond [`ROWS`].
    pub(super) cut_at: Option<usize>,
}

impl Grid {
    /// The sheet in a CSV text, where `separator` parts the cells. A row may span lines, as in
    /// the spreadsheet program, whose rows are counted.
    pub(super) fn of_csv(text: &str, separator: char) -> Self {
        let mut grid = Self::default();
        let mut row = Vec::new();
        let mut cell = String::new();
        let (mut quoted, mut number) = (false, 1);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    cell.push('"');
                    letters.next();
                }
                '"' if quoted => quoted = false,
                // Elsewhere it is a sign as any other: `màn hình 55"`.
                '"' if cell.trim().is_empty() => {
                    cell.clear();
                    quoted = true;
                }
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut cell));
                    grid.push(number, std::mem::take(&mut row));
                    number += 1;
                }
                letter if letter == separator && !quoted => row.push(std::mem::take(&mut cell)),
                letter => cell.push(letter),
            }
        }
        row.push(cell);
        grid.push(number, row);
        grid
    }

    /// Adds a row, unless it says nothing.
    pub(super) fn push(&mut self, number: usize, mut row: Vec<String>) {
        row.truncate(COLUMNS);
        if row.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        if self.rows.len() == ROWS {
            self.cut_at.get_or_insert(number);
            return;
        }
        self.rows.push((number, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_the_spreadsheet_program_does() {
        let text = "a;\"b\n\"\"c\"\"\";d\n\n;;\n55\";x";
        let cells =
            |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let grid = Grid::of_csv(text, ';');
        assert_eq!(grid.rows, [(1, cells(&["a", "b\n\"c\"", "d"])), (4, cells(&["55\"", "x"]))]);
    }

    #[test]
    fn rows_and_columns_are_bounded() {
        let grid = Grid::of_csv(&format!("{}x\n", ";".repeat(100)).repeat(ROWS + 2), ';');
        assert_eq!((grid.rows.len(), grid.cut_at), (0, None), "columns beyond are not looked at");
        let grid = Grid::of_csv(&"x\n".repeat(ROWS + 2), ';');
        assert_eq!((grid.rows.len(), grid.cut_at), (ROWS, Some(ROWS + 1)));
    }
}
