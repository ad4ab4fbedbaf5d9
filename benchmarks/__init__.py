"""dltk against hand-written loops and other libraries, on the same work."""
