"""Cross checks of a catalogue: every name exists and the entries do not contradict each other."""
