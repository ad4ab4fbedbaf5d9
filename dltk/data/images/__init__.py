"""Images: files decoded, public formats read, pixels scaled."""
