"""scripts/validate: what the model shows beside what it must show."""
