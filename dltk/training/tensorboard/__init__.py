"""What TensorBoard shows of a run, one kind per file, through tensorboard's own protos; its failure stops nothing."""
