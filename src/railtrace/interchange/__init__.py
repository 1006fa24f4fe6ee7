"""Other people's formats: operations as JSON, as lines of a file, as rows of a spreadsheet."""
