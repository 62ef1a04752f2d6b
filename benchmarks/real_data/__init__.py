"""SequenceClassifier beside the classifiers of others, on data that packages carry."""
