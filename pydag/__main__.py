"""`pydag` and `python -m pydag`."""

from pydag.cli import main

if __name__ == "__main__":
    main()
