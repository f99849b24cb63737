//! Which lane a cell belongs to, and which lanes a runtime can serve.

use purlin_notebook::{Annotation, Capabilities, Cell, CellKind};

/// Finds the lane of a cell: its annotated kind, else what its type in the base schema means.
pub(super) fn lane_of(cell: &Cell, annotation: Option<&Annotation>) -> CellKind {
    annotation.map_or(cell.cell_type.kind(), |annotation| annotation.kind)
}

/// Tells whether a runtime of those capabilities can serve a lane.
pub(super) fn covered(capabilities: &Capabilities, lane: CellKind) -> bool {
    match lane {
        CellKind::Ai => capabilities.can_execute_ai,
        CellKind::Sql => capabilities.can_execute_sql,
        CellKind::Shell | CellKind::Python | CellKind::Lua | CellKind::Echo => capabilities.can_execute_code,
        CellKind::Note | CellKind::Raw => false,
    }
}

/// Tells whether two sessions contend for a lane; a session that announced none holds all of them.
pub(super) fn overlap(ours: &[CellKind], theirs: Option<&[CellKind]>) -> bool {
    theirs.is_none_or(|theirs| ours.iter().any(|lane| theirs.contains(lane)))
}
