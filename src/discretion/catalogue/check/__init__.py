"""Cross checks of a catalogue: every name is declared, and the entries do not contradict each other."""
