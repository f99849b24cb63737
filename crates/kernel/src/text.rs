//! Text services: width, wrapping, styles, spans, themes and markdown.
