"""Property tests over generated input, most of them with mutants that they must detect."""
