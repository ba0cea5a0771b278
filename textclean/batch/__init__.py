"""Many pages: the loop over a document, failures kept apart."""
