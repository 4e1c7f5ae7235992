#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# A guessing game for a terminal. input() prints a prompt without a
# newline: --framing=text sends it immediately, while lines would wait
# for the newline.
#
#     wspipe --framing=text examples/framings/guess.py
#
# The client sends whole lines, each with its newline.
import random

number = random.randint(1, 100)
tries = 0
print("I am thinking of a number from 1 to 100.")
while True:
    tries += 1
    try:
        guess = input(f"Guess {tries}: ")
    except EOFError:  # the client disconnected
        break
    if not guess.strip().isdecimal():
        print("That is not a number.")
    elif int(guess) < number:
        print("Too low.")
    elif int(guess) > number:
        print("Too high.")
    else:
        print(f"Right! Guesses needed: {tries}.")
        break
