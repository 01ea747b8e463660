"""What people may ask of their data: requests, their days, who decides, how each is carried out."""
