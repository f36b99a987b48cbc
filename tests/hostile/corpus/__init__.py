"""The cases, a class of attack a file. Each file has `CASES`, and is read as a table: name, bytes, what must happen."""
