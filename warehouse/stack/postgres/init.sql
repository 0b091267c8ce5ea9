-- One database for each user of the server: Nessie's version store, SQLMesh's state, Dagster's storage.
CREATE DATABASE nessie;
CREATE DATABASE sqlmesh;
CREATE DATABASE dagster;
