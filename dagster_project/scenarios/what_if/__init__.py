"""What a quarter's tables would be with other values: built apart, by the models that build releases."""
