"""Who asks for others: authorised agents of people, and controllers whose processor we are."""
