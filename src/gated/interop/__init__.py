"""What leaves and enters gated: files and other libraries."""
