"""How an operation runs on each backend; `functional` is the only caller."""
