"""The corpus of the demo: English news sentences, generated from templates and lists of names.

Nobody wrote or said these sentences; persons and firms are put together at random. There are four
labels: PER, LOC (also hotels, stadiums, museums, stations and streets), ORG and DATE (explicit
dates such as "April 1987", not "last night"). The article is no part of a name.

Training and development sentences share the templates but no name: the lists of names are separate,
and so are days and years. Only words that tell the kind of a thing (Hotel, Bank, University) and
the twelve months occur in entities of both. Many names are those of persons and of places alike
(Chelsea, Jordan), so the context has to decide. The sentences of the lecture notes are not in the
corpus, nor is any of their names.
"""

import random
from typing import NamedTuple

# Lists of names, by split. A list that is `ambiguous` serves for persons and for places.
NAMES: dict[str, dict[str, str]] = {
    "train": {
        "first": """
            Aaron Abigail Adam Agnes Alan Alice Amir Amy Andrea Anita Anna Anton Barbara Beatrice
            Ben Bianca Brenda Brian Carl Carmen Caroline Cedric Chen Chloe Clara Claudia Colin
            Daniel David Deborah Dennis Diana Dimitri Edgar Edith Eduardo Elena Elliot Emma Eric
            Esther Eva Felix Fiona Fatima Gabriel George Gloria Gordon Hannah Harold Hector Helen
            Henry Hiroshi Hugo Ibrahim Ingrid Irene Ivan Jane Janet Jeremy Joan Joseph Juan Judith
            Julia Karen Karl Kevin Laura Leo Lila Louis Lucia Manuel Maria Martha Matthew Mei
            Michael Monica Nadia Nathan Nina Oliver Olga Omar Oscar Pablo Patricia Pedro Peter
            Rachel Rajesh Rebecca Robert Rosa Ruth Sandra Sergei Sofie Stephen Susan Tariq Teresa
            Theodore Thomas Tomoko Ursula Vera Viktor Walter Wendy William Yusuf Yvonne Zoe""",
        "last": """
            Abbott Adeyemi Allen Alvarez Andersson Archer Bailey Barnes Becker Bennett Bergman
            Blackwood Brennan Burke Byrne Calloway Castillo Chambers Chandra Clarke Coleman Conti
            Cooper Costa Cunningham Dalton Davies Delgado Dixon Donovan Doyle Edwards Ellis Erikson
            Farrell Ferrari Fischer Fletcher Flores Foster Fowler Friedman Garcia Gardner Gibson
            Gomez Graham Greene Gupta Hansen Harper Harris Hayashi Henderson Hoffman Holloway
            Hughes Hussein Ivanov Jansen Jensen Johnson Kapoor Kaufman Keller Kelly Kim Kowalski
            Kruger Larsen Lawson Lehmann Lindgren Lopez MacDonald Maguire Malik Marchetti Marlowe
            Mendoza Meyer Miller Mitchell Morales Moreau Murphy Nakamura Nelson Novak Nyberg
            O'Connor Okafor Olsen Ortega Osborne Parker Patel Pearson Perez Petrov Phillips Popov
            Ramirez Reynolds Rivera Robertson Rossi Russo Saito Sanders Schmidt Schwartz Shah
            Silva Simmons Sinclair Sokolov Sullivan Suzuki Tanaka Taylor Thornton Torres Tucker
            Ueda Vargas Vasquez Wagner Walker Wallace Watkins Weber Whitaker Wilson Yamamoto Zhang
            Zimmerman""",
        "city": """
            Aberdeen Accra Algiers Amsterdam Ankara Antwerp Athens Auckland Baghdad Bangkok
            Barcelona Basel Beijing Beirut Belfast Bergen Bogota Bombay Bordeaux Boston Brisbane
            Bristol Brussels Bucharest Budapest Cairo Calgary Cardiff Casablanca Chicago Cologne
            Copenhagen Cordoba Dakar Damascus Delhi Denver Detroit Dresden Dublin Durban Edinburgh
            Frankfurt Geneva Genoa Glasgow Gothenburg Graz Hamburg Hanoi Havana Helsinki
            Istanbul Jakarta Johannesburg Karachi Krakow Kyoto Lagos Leeds Leipzig Lille Lisbon
            Liverpool Ljubljana Lyon Madrid Manchester Manila Marseille Melbourne Memphis Miami
            Minsk Montreal Moscow Mumbai Munich Nairobi Naples Osaka Oslo Ottawa Palermo
            Portland Prague Quito Riga Rome Rotterdam Salzburg Santiago Sarajevo Seattle Seoul
            Shanghai Stockholm Stuttgart Tallinn Toronto Toulouse Tunis Turin Vancouver Vilnius
            Warsaw Zagreb""",
        "country": """
            Algeria Argentina Australia Austria Belgium Bolivia Brazil Bulgaria Canada Chile
            Colombia Croatia Denmark Egypt England Estonia Finland Germany Ghana Greece Hungary
            Iceland India Indonesia Ireland Italy Kenya Latvia Malaysia Mexico Morocco Nigeria
            Norway Pakistan Poland Portugal Romania Scotland Senegal Slovakia Spain Sweden Thailand
            Turkey Ukraine Vietnam""",
        "ambiguous": """
            Adelaide Alexandria Austin Berlin Bradford Brooklyn Carolina Charlotte Chelsea
            Chester Dallas Devon Diego Florence Georgia Houston Israel Jackson Jordan
            Kent Kingston Lancaster Lincoln London Lorraine Lourdes Madison Marion Milan Montana
            Orlando Paisley Preston Regina Savannah Sheffield Shelby Siena Sofia Sydney Trenton
            Trinity Valencia Victoria Warwick Washington Wellington York""",
        "coined": """
            Acruvia Aldenor Ambrex Arvexa Balthera Bexon Brightmoor Calvexa Cendrix Corvento
            Dynarel Elvaron Fenwright Ferrotek Galdrix Glenvara Halcotek Hexalon Intravo Jorvex
            Kaltrona Kestrio Lumenta Maxidor Meridex Nortavia Novexis Omnivar Orbicore Pantrax
            Pelviron Quantera Ravello Rexacom Sandrix Selvara Sontrex Tarvona Telmora Trivanta
            Ulmark Valdoria Ventrix Voltaro Wexmoor Xantor Yarrowtek Zelvia Zentura""",
        "acronym": """
            AQN BKT BLR CDG CRF DMT EKA FNR GTV HBL IKR JMC KLB LTN MBX MRT NTC PLG RDX SKV TNB UBX
            VTM WNC""",
        "initial": "A. B. C. D. E. F. G. H. J. K. L.",
        "day": "1 3 5 7 9 11 13 15 17 19 21 23 25 27",
        "year": " ".join(str(year) for year in range(1900, 2025, 2)),
    },
    "dev": {
        "first": """
            Albert Alexei Amanda Angela Astrid Bruno Catherine Cecilia Douglas Dorothy Edward
            Emily Farid Francis Greta Gustav Harriet Isabel Jacob Jasmine Katarina Kenji Lars Linda
            Lukas Margaret Marcel Mohammed Natalie Nigel Pamela Philip Priya Ralph Roberto Rosalind
            Sebastian Simon Sylvia Tatiana Timothy Vanessa""",
        "last": """
            Aguilar Aoki Baxter Bernstein Bowman Campbell Carvalho Cohen Crawford Dawson Dubois
            Eriksen Fitzgerald Fontaine Fraser Gallagher Goldberg Griffiths Hassan Hawkins Herrera
            Ishikawa Jacobs Kovacs Lambert Leclerc Lombardi Mahoney McCarthy Mueller Navarro
            Nguyen O'Brien Okonkwo Peterson Pritchard Quigley Richter Rosenberg Santos Sharma
            Stewart Svensson Thompson Vogel Watanabe Winters Yilmaz""",
        "city": """
            Amman Baku Belgrade Bern Birmingham Bologna Bremen Caracas Dhaka Dortmund Eindhoven
            Galway Ghent Granada Hanover Honolulu Innsbruck Kabul Kampala Kathmandu Kobe Lima
            Lahore Luxor Malaga Malmo Monaco Nagoya Nantes Newcastle Nottingham Odessa Porto
            Reykjavik Seville Singapore Sapporo Taipei Tbilisi Tehran Tokyo Trieste Utrecht
            Winnipeg Zurich""",
        "country": """
            Albania Angola Armenia Cambodia Cuba Cyprus Ecuador Ethiopia France Iran Iraq Japan
            Lithuania Moldova Mongolia Nepal Paraguay Peru Serbia Slovenia Switzerland Tanzania
            Tunisia Uruguay""",
        "ambiguous": """
            Aurora Bolton Cameron Carlisle Catalina Cheyenne Dakota Darwin Durham Eden
            Hamilton Helena Holland Lancashire Lexington Lydia Monterey Nevada
            Raleigh Ramsey Stafford Stirling Tyrone Verona Vienna Virginia Winchester""",
        "coined": """
            Avandro Bioventa Castrion Cortexa Delphion Durantis Enverra Fluxmoor Gravitek
            Helvion Indigra Krontec Larkspire Monteva Nexoria Oxtavia Polarix Rhovanta Solvera
            Tessaly Vireon Wyncote""",
        "acronym": "AKP BDW DLX FGR HNM KPV LRS NBD QTC RVT TKS ZLF",
        "initial": "M. N. P. R. S. T. V. W.",
        "day": "2 4 6 8 10 12 14 16 18 20 22 24 26 28",
        "year": " ".join(str(year) for year in range(1901, 2025, 2) if year != 1989),
    },
}

# What becomes what: each line is one of the ways to expand a symbol, braces hold further symbols.
GRAMMAR = {
    "sentence": """
        {opening} {person} {did} {where} {when} .
        {opening} {person} {did} {where} {when} .
        {opening} {person} {wore} {clothes} {where} {when} .
        {opening} {person} was {caught} {where} {when} .
        {person} was {caught} {where} {when} .
        {person} was {caught} in the {venue} in {place} in {month} .
        {date_opening} {person} {did} {where} .
        {opening} {person} {went} {when} .
        {person} , {apposition} , {did} {where} {when} .
        {opening} {person} and {person} {did} {where} {when} .
        {person} , {person} and {person} {did} {where} {when} .
        {opening} {role} {person} {did} {where} {when} .
        {opening} {somebody} {did_to} {person} {where} {when} .
        {opening} {person} 's {work} {was_received} {when} .
        {opening} the {venue} {venue_did} {when} .
        {date_opening} the {venue} in {place} {venue_did} .
        {landmark} {venue_did} {when} .
        {opening} {place} {place_did} {when} .
        {date_opening} {place} {place_did} .
        {opening} {place} and {place} were {hit} {when} .
        {opening} {nation} {nation_did} {when} .
        The {vehicle} from {place} to {place} {vehicle_did} {when} .
        The road between {place} and {place} was closed {when} .
        {opening} {org} {org_did} {when} .
        {opening} {org} {org_did} {when} .
        {date_opening} {org} {org_did} .
        {opening} {org} and {org} {org_did} {when} .
        Shares in {org} {moved} {when} .
        {org} , a {place} -based firm , {org_did} {when} .
        {opening} {role} {person} left {org} for {org} {when} .
        {opening} {somebody} {did_plain} {where} {when} .
        {opening} the {thing} {thing_did} {where} {when} .
        {opening_plain} the {thing} {thing_did} {when_plain} .
        {opening_plain} {somebody} {did_plain} {when_plain} .
        There were {count} {people} {where} {when} .""",
    # Entities, and the label of each in LABELS.
    "person": """
        {given} {family}
        {given} {family}
        {given} {family}
        {given} {initial} {family}
        {given}
        {family}""",
    "place": """
        {city}
        {city}
        {ambiguous}""",
    "nation": """
        {country}""",
    "venue": """
        {namesake} Hotel
        {namesake} Hotel
        {namesake} Stadium
        {namesake} Museum
        {namesake} Theatre
        {namesake} Arena
        {namesake} Gallery
        {namesake} Hospital
        {namesake} Library""",
    "landmark": """
        {namesake} Station
        {namesake} Airport
        {namesake} Park
        {namesake} Street
        {namesake} Square
        {namesake} Castle
        {namesake} Bridge
        Lake {namesake}
        Mount {namesake}""",
    "org": """
        {coined}
        {coined} Industries
        {coined} Software
        {coined} Airlines
        {coined} Group
        {family} Motors
        {family} & {family}
        {family} Records
        {family} Foundation
        Bank of {city}
        {city} University
        {city} United
        {acronym}
        {acronym} Bank""",
    "month": """
        {month_name} {year}""",
    "date": """
        {day} {month_name} {year}
        {month_name} {day} , {year}
        {day} {month_name}""",
    "year_alone": """
        {year}""",
    # Parts of entities.
    "given": """
        {first}
        {first}
        {first}
        {ambiguous}""",
    "family": """
        {last}
        {last}
        {last}
        {ambiguous}""",
    "namesake": """
        {last}
        {city}
        {first}
        {ambiguous}""",
    "month_name": """
        January
        February
        March
        April
        May
        June
        July
        August
        September
        October
        November
        December""",
    # All that stands around them.
    "opening": """
        {nothing}
        {nothing}
        {opening_plain}
        {opening_plain}
        in {place} ,
        at the {venue} ,
        according to {person} ,
        according to {org} ,""",
    "opening_plain": """
        last night ,
        yesterday ,
        last week ,
        last year ,
        this morning ,
        earlier today ,
        two days later ,
        a few hours later ,
        meanwhile ,
        as expected ,
        to everyone's surprise ,
        after the {event} ,
        during the {event} ,
        for the {ordinal} time ,""",
    "where": """
        {nothing}
        {nothing}
        in {place}
        in {place}
        in {place} , {nation}
        near {place}
        outside {place}
        in {nation}
        at the {venue}
        in the {venue}
        in the {venue} in {place}
        outside the {venue} in {place}
        at {landmark}
        near {landmark}
        at a {building} in {place}
        in front of a {building}""",
    "when": """
        {nothing}
        {nothing}
        {when_plain}
        in {month}
        in {month}
        on {date}
        in {year_alone}""",
    "when_plain": """
        {nothing}
        last night
        yesterday
        on a rainy evening
        shortly after midnight
        for the {ordinal} time
        after the {event}
        before the {event}
        within {small_number} hours""",
    "did": """
        {wore} {clothes}
        grew up
        got married
        gave a {performance}
        gave a {performance} for {count} {people}
        spoke to reporters
        signed copies of a new {work}
        met {person}
        met the {role} {person}
        married {person}
        posed for pictures with {person}
        thanked {person} for the {work}
        lost to {person}
        won the {event}
        opened a {building}
        bought a {building}
        broke the record
        performed songs from the {ordinal} {work}
        received an award from {org}
        signed a contract with {org}
        worked for {org}
        stayed with friends
        said nothing about the {thing}
        told {person} about the {thing}""",
    "wore": """
        wowed in
        dazzled in
        stunned in
        turned heads in
        stepped out in
        looked elegant in
        walked the red carpet in
        arrived in
        appeared in
        posed in
        danced in
        shone in""",
    "clothes": """
        a {look} {garment}
        a {look} {garment}
        a {look} {garment} and {look} {shoes}
        {look} {shoes}
        an elegant {look} {garment}
        an evening {garment}""",
    "look": """
        silk
        velvet
        white
        black
        red
        golden
        silver
        striped
        cotton
        leather
        lace
        glittering
        simple
        long
        floral
        satin""",
    "garment": """
        gown
        dress
        coat
        suit
        jacket
        skirt
        blouse
        cape
        robe
        outfit""",
    "shoes": """
        boots
        heels
        shoes
        sandals
        gloves""",
    "crime": """
        fraud
        theft
        speeding
        tax evasion
        smuggling
        burglary""",
    "did_to": """
        met
        interviewed
        praised
        arrested
        questioned
        photographed
        applauded
        elected
        waited for
        talked about
        were looking for
        heard from""",
    "somebody": """
        police
        reporters
        the {people}
        the {role}
        a {role}
        two {people}
        {count} {people}
        a group of {people}
        many {people}
        nobody""",
    "people": """
        visitors
        fans
        students
        tourists
        workers
        guests
        soldiers
        passengers
        teachers
        farmers""",
    "role": """
        actor
        actress
        singer
        minister
        president
        mayor
        lawyer
        judge
        coach
        painter
        writer
        detective
        scientist
        professor""",
    "apposition": """
        {small_number}
        a {role} from {place}
        a {role} from {nation}
        a {role} at {org}
        the {role} of {nation}
        the mayor of {place}
        the head of {org}
        the chief executive of {org}
        who works for {org}
        who lives in {place}
        born in {place} in {year_alone}
        a friend of {person}""",
    "did_plain": """
        waited for the {vehicle}
        listened to the {performance}
        cancelled the {event}
        asked for more money
        went home early
        talked about the {thing}
        watched the {event}
        knew about the {thing}
        slept in a {building}
        bought {count} tickets
        wore {look} {shoes}""",
    "performance": """
        speech
        concert
        lecture
        reading
        talk
        show""",
    "work": """
        novel
        album
        film
        painting
        book
        play
        song
        report""",
    "was_received": """
        was praised
        was shown in {place}
        was shown at the {venue}
        was sold for {count} dollars
        won a prize
        surprised the {people}
        was stolen
        was translated by {person}
        was published by {org}""",
    "venue_did": """
        opened
        was closed
        was rebuilt
        was sold to {org}
        was damaged by fire
        was crowded
        attracted {count} {people}
        was designed by {person}
        was named after {person}
        was closed until {month}""",
    "place_did": """
        hosted the {event}
        was {hit}
        elected a new mayor
        welcomed {count} {people}
        had {count} inhabitants
        lost its last factory
        celebrated""",
    "nation_did": """
        held elections
        signed the treaty with {nation}
        closed the border with {nation}
        won the {event}
        beat {nation} in the {event}
        elected {person} president
        hosted the {event}
        exported more grain
        raised taxes""",
    "org_did": """
        announced {count} job cuts
        said profits had risen
        said sales had fallen
        bought {org}
        merged with {org}
        sold shares
        hired {person}
        dismissed {person}
        named {person} chief executive
        opened an office in {place}
        closed a factory in {place}
        launched a new product
        reported a loss
        raised prices
        denied the report
        moved to {place}""",
    "moved": """
        rose
        fell
        gained {small_number} percent
        lost {small_number} percent
        closed higher
        were suspended""",
    "vehicle": """
        train
        bus
        flight
        ferry
        night train""",
    "vehicle_did": """
        was late
        was cancelled
        carried {count} {people}
        left without {person}
        took {small_number} minutes""",
    "thing": """
        accident
        decision
        price of bread
        weather
        investigation
        fire
        new law
        election
        strike
        plan
        contract
        report""",
    "thing_did": """
        surprised {people}
        was discussed
        caused long delays
        cost {count} dollars
        was bad for business
        made headlines
        led to protests
        got worse""",
    "building": """
        hotel
        restaurant
        museum
        bank
        theatre
        house
        shop
        station
        school""",
    "event": """
        final
        festival
        race
        conference
        wedding
        tournament
        trial
        award show
        summit
        premiere""",
    "ordinal": """
        first
        second
        third
        fourth""",
    "small_number": """
        30
        37
        34
        41
        45
        52
        58
        67
        73""",
    "count": """
        60
        40
        200
        350
        1,200
        1500
        2400
        3000
        15,000
        several
        hundreds of
        too many""",
    "date_opening": """
        in {month} ,
        on {date} ,
        in {year_alone} ,""",
    "went": """
        flew to {place}
        moved from {place} to {place}
        travelled to {nation}
        returned to {place} with {person}
        left {place}
        left {place} for {nation}
        stopped at {landmark}
        checked in at the {venue}
        joined {org}
        resigned from {org}
        sued {org}
        was born in {place}
        died in {place}""",
    "caught": """
        arrested
        arrested
        arrested for {crime}
        detained
        questioned by police
        caught
        found
        attacked
        seen
        sentenced for {crime}
        accused of {crime}
        photographed with {person}
        hurt in an accident""",
    "hit": """
        hit by a storm
        covered in snow
        flooded
        left without power
        prepared for the {event}""",
    "nothing": "",
}

# The symbols that are entities. Entities do not hold entities.
LABELS = {
    "person": "PER",
    "place": "LOC",
    "nation": "LOC",
    "venue": "LOC",
    "landmark": "LOC",
    "org": "ORG",
    "month": "DATE",
    "date": "DATE",
    "year_alone": "DATE",
}

SIZES = {"train": 1000, "dev": 300}
DEFAULT_SEED = 0

# What stands close behind the word before it.
_CLOSE = (",", ".", "'s", "-based")


class Sentence(NamedTuple):
    """One sentence of the corpus.

    text (str): The text.
    entities (List[Tuple[int, int, str]]): Start and end character offsets (end exclusive) and
        label of each entity, in the order of the text.
    """

    text: str
    entities: list[tuple[int, int, str]]


def generate(split: str, size: int | None = None, seed: int = DEFAULT_SEED) -> list[Sentence]:
    """Generate sentences with their entities.

    split (str): `train` or `dev`: whose names to use.
    size (Optional[int]): How many sentences; as many as SIZES says if None.
    seed (int): Seed of the generator's own random numbers. The same arguments always give the
        same sentences.
    RETURNS (List[Sentence]): The sentences, each of them different.
    RAISES (ValueError): If there is no such split, or the size is negative.
    """
    if split not in NAMES:
        raise ValueError(f"Unknown split {split!r}: use one of {', '.join(map(repr, NAMES))}.")
    size = SIZES[split] if size is None else size
    if size < 0:
        raise ValueError(f"The number of sentences cannot be negative, got {size}.")
    rules = _rules(split)
    rng = random.Random(f"{split} {seed}")
    sentences: dict[str, Sentence] = {}
    while len(sentences) < size:
        sentence = _sentence(rules, rng)
        if not _repeats_itself(sentence):
            sentences.setdefault(sentence.text, sentence)
    return list(sentences.values())


def _rules(split: str) -> dict[str, list[str]]:
    """All expansions of each symbol, with the names of the split."""
    rules = {
        symbol: [line.strip() for line in lines.strip().split("\n")]
        for symbol, lines in GRAMMAR.items()
    }
    return rules | {symbol: names.split() for symbol, names in NAMES[split].items()}


def _sentence(rules: dict[str, list[str]], rng: random.Random) -> Sentence:
    pieces = _expand("sentence", rules, rng)
    text, starts = _join([piece for piece, _ in pieces])
    entities = [
        (start, start + len(piece), label)
        for start, (piece, label) in zip(starts, pieces, strict=True)
        if label
    ]
    return Sentence(text[0].upper() + text[1:], entities)


def _repeats_itself(sentence: Sentence) -> bool:
    """Whether the same entity is there twice, as in "the train from Leeds to Leeds"."""
    names = [sentence.text[start:end] for start, end, _ in sentence.entities]
    return len(set(names)) < len(names)


def _expand(symbol: str, rules: dict[str, list[str]], rng: random.Random) -> list[tuple[str, str]]:
    """Expand a symbol to pieces of text with their labels, "" for text that is no entity."""
    pieces: list[tuple[str, str]] = []
    for word in rng.choice(rules[symbol]).split():
        if word.startswith("{"):
            pieces += _expand(word.strip("{}"), rules, rng)
        else:
            pieces.append((word, ""))
    if symbol in LABELS:
        text, _ = _join([piece for piece, _ in pieces])
        return [(text, LABELS[symbol])]
    return pieces


def _join(pieces: list[str]) -> tuple[str, list[int]]:
    """Put pieces together with spaces where they belong. RETURNS: The text, and where each piece
    starts in it.
    """
    text = ""
    starts = []
    for piece in pieces:
        if text and not piece.startswith(_CLOSE):
            text += " "
        starts.append(len(text))
        text += piece
    return text, starts
