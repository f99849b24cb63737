//! What the screen shows, as text: for tests and for programs that look at the screen.

use purlin_kernel::Input;

use crate::screen::Screen;

/// Draws the screen at a size and answers its rows without trailing blanks, the cursor's row and column last.
pub fn rows(screen: &Screen, width: u16, height: u16) -> (Vec<String>, Option<(u16, u16)>) {
    let kernel = screen.kernel();
    if kernel.layout().size() != (width, height) {
        kernel.input(Input::Resize(width, height));
    }
    let frame = screen.frame(width, height);
    let atlas = kernel.atlas();
    let rows = (0..height).map(|row| frame.grid.row_text(row, &atlas).trim_end().to_owned()).collect();
    (rows, frame.cursor)
}

/// Draws the screen at a size as one text, with a frame around it and `▏` where the cursor is.
pub fn picture(screen: &Screen, width: u16, height: u16) -> String {
    let (rows, cursor) = rows(screen, width, height);
    let mut picture = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = row.clone();
        if let Some((_, col)) = cursor.filter(|(row, _)| usize::from(*row) == index) {
            line = purlin_kernel::text::pad_right(
                &line,
                usize::from(col).max(purlin_kernel::text::width(&line)),
            );
            let head = purlin_kernel::text::fit(&line, usize::from(col)).len();
            line.insert(head, '▏');
        }
        picture.push_str(line.trim_end());
        picture.push('\n');
    }
    picture
}
