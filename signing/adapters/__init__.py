"""Where keys really lie, who issues certificates, and how a PDF is signed and validated."""
