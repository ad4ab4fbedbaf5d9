"""One file per architecture; the file name is `model.name`."""
