"""What a restatement plans, touches, has done and still has to do, from the state of SQLMesh."""
