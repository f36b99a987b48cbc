"""Files of others → records of the registry: all problems at once, each with its file and line; all or nothing.

Belongs here: a file for each format (`csv_file`, `data_file`, `mlflow_file`), what they share (`entries`, `positions`),
and choosing among them (`reading`). Does not: what a record must be (`store.bodies`), sending it (`client`).
Imported by `cli` only.
"""
