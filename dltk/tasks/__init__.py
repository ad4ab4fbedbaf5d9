"""One file per kind of learning problem; the file name is `task.name`."""
