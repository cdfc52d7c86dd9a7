"""What a bid evaluation is, by law: pure rules, and the report as a document."""
