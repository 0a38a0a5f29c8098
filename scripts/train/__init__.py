"""How the project's own small models are made: data, training, evaluation. See docs/training.md."""
