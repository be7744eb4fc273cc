"""Rules that the chapter does not have, most of them Adam's successors, from their papers."""
