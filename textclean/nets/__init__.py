"""Network modules: torch.nn.Module only, no files, no images."""
