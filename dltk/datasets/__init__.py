"""One file per kind of data set; the file name is `data.name`."""
