"""`python -m gradproof`: the command line where the console command is not on the path."""

from gradproof.cli import main

if __name__ == "__main__":
    main()
