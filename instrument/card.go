package instrument

// card finds the end of a payment card's number that begins at s[i], in one
// piece or in the groups printed on cards. Its issuer, length and check digit
// (ISO/IEC 7812-1, Luhn) must fit: times in nanoseconds begin with 1 and never
// do. Visa's numbers of 19 digits are found in groups only, since IDs of 64 bits
// have that length too. Digits inside an ID, a decimal or a phone number are none.
func card(s string, i int) (to int) {
	if i > 0 {
		switch before := s[i-1]; {
		case isWord(before), before == '.', before == '+':
			return 0
		case before == '-' && i > 1 && isWord(s[i-2]):
			return 0
		}
	}
	var number [19]byte
	n, layout, separator := 0, 0, byte(0)
	for {
		size := n
		for ; i < len(s) && isDigit(s[i]); i++ {
			if n == len(number) {
				return to
			}
			number[n] = s[i] - '0'
			n++
		}
		layout = layout<<4 | min(n-size, 15)
		whole := i == len(s) || !isWord(s[i]) && (s[i] != '.' && s[i] != '-' || i+1 == len(s) || !isWord(s[i+1]))
		if whole && n >= 13 && cardLayout(layout) && issued(number[:n], separator != 0) && luhn(number[:n]) {
			to = i
		}
		if i+1 >= len(s) || s[i] != ' ' && s[i] != '-' || separator != 0 && s[i] != separator || !isDigit(s[i+1]) {
			return to
		}
		separator = s[i]
		i++
	}
}

// cardLayout judges the sizes of groups, a hexadecimal digit each.
func cardLayout(sizes int) bool {
	switch sizes {
	case 0x4441, 0x4442, 0x4443, 0x4444, 0x44441, 0x44442, 0x44443, 0x465, 0x464:
		return true
	}
	return sizes <= 15
}

// issued reports whether an issuer has numbers that begin and are as long as this one.
func issued(number []byte, grouped bool) bool {
	first := 0 // four digits
	for _, digit := range number[:4] {
		first = first*10 + int(digit)
	}
	n := len(number)
	switch two := first / 100; {
	case two/10 == 4: // Visa
		return n == 16 || n == 13 || n == 19 && grouped
	case two >= 51 && two <= 55, first >= 2221 && first <= 2720: // Mastercard
		return n == 16
	case two == 34, two == 37: // American Express
		return n == 15
	case first/10 >= 300 && first/10 <= 305, two == 36, two == 38, two == 39: // Diners Club
		return n == 14
	case first >= 3528 && first <= 3589: // JCB
		return n == 16
	case two == 60, two == 65, first/10 >= 644 && first/10 <= 649: // Discover, RuPay
		return n == 16 || n == 19 && grouped
	case two == 62: // UnionPay
		return n >= 16
	}
	switch first {
	case 5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763: // Maestro
		return true
	}
	return false
}

func luhn(number []byte) bool {
	sum := 0
	for i := range number {
		digit := int(number[len(number)-1-i])
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}
